#include "simclr/eval/metrics.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "simclr/core/random.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

at::Tensor random_scores(std::int64_t count, std::int64_t classes) {
  at::Tensor scores = at::empty({count, classes}, at::kDouble);
  Random random(RandomKey{.seed = 8});
  for (std::int64_t i = 0; i < scores.numel(); ++i)
    scores.data_ptr<double>()[i] = random.below(20);  // with equals
  return scores;
}

at::Tensor labels_of(std::int64_t count, std::int64_t classes) {
  return at::arange(count, at::kLong).remainder(classes);
}

TEST(ScoreClasses, CountsAsTheLoopOracle) {
  constexpr std::int64_t kCount = 203, kClasses = 8;
  const at::Tensor scores = random_scores(kCount, kClasses);
  const at::Tensor labels = labels_of(kCount, kClasses);
  std::int64_t first = 0, among_five = 0;
  at::Tensor confusion = at::zeros({kClasses, kClasses}, at::kLong);
  for (std::int64_t i = 0; i < kCount; ++i) {
    std::vector<std::int64_t> order(kClasses);
    for (std::int64_t c = 0; c < kClasses; ++c) order[static_cast<std::size_t>(c)] = c;
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return scores[i][a].item<double>() > scores[i][b].item<double>();
    });
    const auto label = labels[i].item<std::int64_t>();
    first += order[0] == label ? 1 : 0;
    among_five += std::find(order.begin(), order.begin() + 5, label) != order.begin() + 5 ? 1 : 0;
    confusion[label][order[0]] += 1;
  }
  const ClassScores found = score_classes(scores, labels);
  EXPECT_DOUBLE_EQ(found.top1, static_cast<double>(first) / kCount);
  EXPECT_DOUBLE_EQ(found.top5, static_cast<double>(among_five) / kCount);
  EXPECT_TRUE(at::equal(found.confusion, confusion));
}

TEST(ScoreClasses, CountsEveryImageOnce) {
  const ClassScores found = score_classes(random_scores(203, 8), labels_of(203, 8));
  EXPECT_EQ(found.confusion.sum().item<std::int64_t>(), 203);
  EXPECT_EQ(found.confusion.diagonal().sum().item<std::int64_t>(), std::lround(found.top1 * 203));
}

TEST(ScoreClasses, GivesEachClassItsShare) {
  const at::Tensor scores = at::tensor({1.0, 0.0, 0.0, 1.0, 1.0, 0.0}, at::kDouble).view({3, 2});
  const std::vector<double> shares =
      score_classes(at::cat({scores, at::zeros({3, 1}, at::kDouble)}, 1),
                    at::tensor({0, 0, 1}, at::kLong))
          .per_class();
  EXPECT_EQ(shares[0], 0.5);
  EXPECT_EQ(shares[1], 0.0);
  EXPECT_TRUE(std::isnan(shares[2]));
}

TEST(ScoreClasses, DoesNotCountMinusInfinityAmongFive) {
  const double none = -std::numeric_limits<double>::infinity();
  const at::Tensor scores = at::tensor({1.0, none, none}, at::kDouble).view({1, 3});
  EXPECT_EQ(score_classes(scores, at::tensor({1}, at::kLong)).top5, 0.0);
  EXPECT_EQ(score_classes(scores, at::tensor({0}, at::kLong)).top5, 1.0);
}

TEST(ScoreClasses, RefusesWhatCannotBeCounted) {
  const at::Tensor labels = at::tensor({0, 1}, at::kLong);
  EXPECT_EQ(torch_error_of([&] {
              score_classes(at::ones({3, 2}), labels);
            }),
            "[score_classes] expected one i64 label for each of 3 rows, got Long [2]");
  EXPECT_EQ(torch_error_of([&] {
              score_classes(at::full({2, 2}, std::nan("")), labels);
            }),
            "[score_classes] a score is not a number");
  EXPECT_EQ(torch_error_of([&] {
              score_classes(at::ones({2, 1}), labels);
            }),
            "[score_classes] expected labels in [0, 1), got 1");
  EXPECT_EQ(torch_error_of([&] {
              score_classes(at::ones({0, 2}), at::ones({0}, at::kLong));
            }),
            "[score_classes] expected scores [n, classes] with n at least 1, got [0, 2]");
}

TEST(SpreadOf, IsMeanAndSampleDeviation) {
  const Spread spread = spread_of({1.0, 2.0, 6.0});
  EXPECT_DOUBLE_EQ(spread.mean, 3.0);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt(7.0));
  EXPECT_EQ(spread_of({0.5}).deviation, 0.0);
}

}  // namespace
}  // namespace simclr
