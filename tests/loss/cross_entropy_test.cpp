#include "simclr/loss/cross_entropy.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr double kF64Tolerance = 1e-12;  // a handful of roundings
constexpr double kDifferenceTolerance = 1e-8;
constexpr double kDifferenceStep = 1e-5;

at::Tensor some_scores() {
  return at::arange(15, at::kDouble).mul(1.7).sin().mul(3.0).view({5, 3});
}

at::Tensor some_labels() { return at::tensor({0, 2, 1, 1, 2}, at::kLong); }

double oracle(const at::Tensor& scores, const at::Tensor& labels) {
  const auto row = scores.accessor<double, 2>();
  double total = 0;
  for (std::int64_t i = 0; i < scores.size(0); ++i) {
    double sum = 0;
    for (std::int64_t c = 0; c < scores.size(1); ++c) sum += std::exp(row[i][c]);
    total += std::log(sum) - row[i][labels[i].item<std::int64_t>()];
  }
  return total / static_cast<double>(scores.size(0));
}

TEST(CrossEntropy, EqualsTheLoopOracle) {
  EXPECT_NEAR(cross_entropy(some_scores(), some_labels()).item<double>(),
              oracle(some_scores(), some_labels()), kF64Tolerance);
}

TEST(CrossEntropy, IsLogOfClassesForEqualScores) {
  const at::Tensor labels = at::tensor({9, 0}, at::kLong);
  EXPECT_NEAR(cross_entropy(at::full({2, 10}, 3.0, at::kDouble), labels).item<double>(),
              std::log(10.0), kF64Tolerance);
}

TEST(CrossEntropy, IsFiniteForHugeScores) {
  const at::Tensor scores = at::tensor({1e4F, -1e4F}, at::kFloat).view({1, 2});
  EXPECT_EQ(cross_entropy(scores, at::tensor({1}, at::kLong)).item<float>(), 2e4F);
}

TEST(CrossEntropy, GradientEqualsCentralDifferences) {
  const at::Tensor leaf = some_scores().requires_grad_();
  cross_entropy(leaf, some_labels()).backward();
  for (std::int64_t i = 0; i < leaf.numel(); ++i) {
    at::Tensor above = some_scores();
    at::Tensor below = some_scores();
    above.data_ptr<double>()[i] += kDifferenceStep;
    below.data_ptr<double>()[i] -= kDifferenceStep;
    EXPECT_NEAR(
        leaf.grad().data_ptr<double>()[i],
        (oracle(above, some_labels()) - oracle(below, some_labels())) / (2 * kDifferenceStep),
        kDifferenceTolerance);
  }
}

TEST(Accuracy, IsTheShareOfRowsWhoseHighestScoreIsAtTheirLabel) {
  const at::Tensor scores =
      at::tensor({0.1F, 0.9F, 0.8F, 0.2F, 0.3F, 0.7F, 0.6F, 0.4F}, at::kFloat).view({4, 2});
  EXPECT_DOUBLE_EQ(accuracy(scores, at::tensor({1, 0, 1, 1}, at::kLong)), 0.75);
  EXPECT_DOUBLE_EQ(accuracy(scores, at::tensor({0, 1, 0, 1}, at::kLong)), 0.0);
}

TEST(CrossEntropy, NamesWhatIsWrongWithItsArguments) {
  const at::Tensor labels = at::zeros({2}, at::kLong);
  EXPECT_EQ(torch_error_of([&] { cross_entropy(at::ones({2}), labels); }),
            "[cross_entropy] expected scores [B, classes] with B at least 1, got [2]");
  EXPECT_EQ(torch_error_of([&] {
              cross_entropy(at::ones({0, 3}), at::zeros({0}, at::kLong));
            }),
            "[cross_entropy] expected scores [B, classes] with B at least 1, got [0, 3]");
  EXPECT_EQ(torch_error_of([&] {
              cross_entropy(at::ones({3, 4}), labels);
            }),
            "[cross_entropy] expected one label for each of 3 rows, got [2]");
  EXPECT_EQ(torch_error_of([&] {
              cross_entropy(at::ones({2, 4}), at::ones({2}));
            }),
            "[cross_entropy] expected i64 labels, got Float");
  EXPECT_EQ(torch_error_of([&] {
              accuracy(at::ones({3, 4}), labels);
            }),
            "[accuracy] expected one label for each of 3 rows, got [2]");
}

TEST(CrossEntropy, RefusesALabelThatIsNoClass) {
  EXPECT_NE(torch_error_of([] {
              cross_entropy(at::ones({1, 3}), at::tensor({3}, at::kLong));
            }),
            "");
}

}  // namespace
}  // namespace simclr
