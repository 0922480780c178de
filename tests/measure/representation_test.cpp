#include "simclr/measure/representation.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr double kRounding = 1e-9;  // sums of some hundred terms in f64

/// Numbers of both signs, the same each time.
at::Tensor made_up(std::int64_t rows, std::int64_t width) {
  at::Tensor x = at::empty({rows, width}, at::kDouble);
  auto* values = x.data_ptr<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i)
    values[i] = std::sin(1.7 * static_cast<double>(i * i));
  return x;
}

TEST(Alignment, IsZeroForEqualViewsAndFourForOppositeOnes) {
  const at::Tensor half = made_up(5, 3);
  EXPECT_NEAR(alignment(at::cat({half, half.mul(3.0)})), 0.0, kRounding);
  EXPECT_NEAR(alignment(at::cat({half, half.neg()})), 4.0, kRounding);
}

TEST(Alignment, EqualsTheSumWrittenOut) {
  const at::Tensor z =
      at::tensor({3.0, 4.0, 0.0, 2.0, 1.0, 0.0, 0.0, -1.0}, at::kDouble).view({4, 2});
  // (0.6, 0.8) with (1, 0), and (0, 1) with (0, -1)
  EXPECT_NEAR(alignment(z), ((0.16 + 0.64) + 4.0) / 2.0, kRounding);
}

TEST(Uniformity, IsZeroWhereAllRowsAreEqual) {
  EXPECT_NEAR(uniformity(at::ones({6, 4}, at::kFloat)), 0.0, kRounding);
}

TEST(Uniformity, EqualsTheMeanOverPairsWrittenOut) {
  const at::Tensor z = made_up(7, 3);
  const at::Tensor unit = z.div(z.norm(2, at::IntArrayRef{1}, true));
  double sum = 0.0;
  for (int i = 0; i < 7; ++i)
    for (int j = 0; j < i; ++j)
      sum += std::exp(-2.0 * unit[i].sub(unit[j]).square().sum().item<double>());
  EXPECT_NEAR(uniformity(z), std::log(sum / 21.0), kRounding);
}

TEST(EffectiveRank, CountsOrthogonalDirectionsOfOneLength) {
  EXPECT_NEAR(effective_rank(at::eye(5, at::kDouble)), 5.0, kRounding);
  EXPECT_NEAR(effective_rank(at::ones({9, 4}, at::kDouble)), 1.0, 1e-6);  // roots of roundings
  EXPECT_EQ(effective_rank(at::zeros({9, 4})), 0.0);
}

TEST(EffectiveRank, EqualsExpOfTheEntropyOfSingularValues) {
  for (const auto& [rows, width] : {std::pair{12, 5}, std::pair{5, 12}}) {
    const at::Tensor h = made_up(rows, width);
    const at::Tensor p = at::linalg_svdvals(h).div(at::linalg_svdvals(h).sum());
    EXPECT_NEAR(effective_rank(h), std::exp(-p.mul(p.log()).sum().item<double>()), 1e-6);
  }
}

TEST(EffectiveRank, DoesNotChangeWithScaleOrTheOrderOfRows) {
  const at::Tensor h = made_up(20, 6);
  EXPECT_NEAR(effective_rank(h.mul(7.0)), effective_rank(h), kRounding);
  EXPECT_NEAR(effective_rank(h.flip(0)), effective_rank(h), kRounding);
}

TEST(LeaveOneOut, ARowHasNoVoteForItself) {
  // Two pairs that lie together, of two labels each: with itself among the voters all would be
  // right.
  const at::Tensor h =
      at::tensor({1.0, 0.0, 1.0, 0.1, 0.0, 1.0, 0.1, 1.0}, at::kDouble).view({4, 2});
  EXPECT_EQ(leave_one_out_accuracy(h, at::tensor({0, 1, 2, 3}, at::kLong), 4, 1, 0.1), 0.0);
  EXPECT_EQ(leave_one_out_accuracy(h, at::tensor({0, 0, 1, 1}, at::kLong), 2, 1, 0.1), 1.0);
}

TEST(LeaveOneOut, ANearVoteOutweighsTwoFarOnes) {
  const at::Tensor h =
      at::tensor({1.0, 0.0, 1.0, 0.01, -1.0, 0.1, -1.0, -0.1}, at::kDouble).view({4, 2});
  const at::Tensor labels = at::tensor({0, 0, 1, 1}, at::kLong);
  EXPECT_EQ(leave_one_out_accuracy(h, labels, 2, 3, 0.1), 1.0);
  EXPECT_EQ(leave_one_out_accuracy(h, labels, 2, 100, 0.1), 1.0);  // k is capped at those there are
}

TEST(Representation, RefusesWhatIsNotRows) {
  EXPECT_NE(torch_error_of([] {
              alignment(at::ones({3, 2}));
            }).find("two views"),
            std::string::npos);
  EXPECT_NE(torch_error_of([] {
              uniformity(at::ones({1, 2}));
            }).find("n at least 2"),
            std::string::npos);
  EXPECT_NE(torch_error_of([] {
              leave_one_out_accuracy(at::ones({3, 2}), at::zeros({2}, at::kLong), 1, 1, 0.1);
            }).find("one label for each of 3 rows"),
            std::string::npos);
}

}  // namespace
}  // namespace simclr
