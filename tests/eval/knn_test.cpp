#include "simclr/eval/knn.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "simclr/eval/metrics.h"
#include "simclr/loss/cross_entropy.h"
#include "tests/eval/golden_evaluation.h"
#include "tests/eval/toy_features.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

struct Vote {
  std::int64_t k = 1;
  double temperature = 0.1;
};

double knn_accuracy(const Features& bank, const Features& queries, const Vote& vote,
                    std::int64_t classes) {
  const KnnSettings settings{{vote.k}, vote.temperature};
  return accuracy(knn_votes(bank, queries, settings, classes).at(0), queries.labels);
}

/// Wu et al. 2018 with plain loops, in f64.
double oracle(const Features& bank, const Features& queries, const Vote& settings,
              std::int64_t classes) {
  const auto unit = [](const at::Tensor& x) {
    const at::Tensor wide = x.to(at::kDouble);
    return wide / wide.norm(2, 1, true).clamp_min(1e-12);
  };
  const at::Tensor similarities = unit(queries.x).mm(unit(bank.x).t());
  int right = 0;
  for (std::int64_t q = 0; q < queries.x.size(0); ++q) {
    const double* row = similarities[q].data_ptr<double>();
    std::vector<std::int64_t> order(static_cast<std::size_t>(bank.x.size(0)));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return row[a] > row[b]; });
    std::vector<double> sums(static_cast<std::size_t>(classes), 0.0);
    const std::int64_t k = std::min(settings.k, bank.x.size(0));
    for (std::int64_t i = 0; i < k; ++i) {
      const std::int64_t neighbour = order[static_cast<std::size_t>(i)];
      sums[static_cast<std::size_t>(bank.labels[neighbour].item<std::int64_t>())] +=
          std::exp(row[neighbour] / settings.temperature);
    }
    const auto best = std::max_element(sums.begin(), sums.end()) - sums.begin();
    right += best == queries.labels[q].item<std::int64_t>() ? 1 : 0;
  }
  return right / static_cast<double>(queries.x.size(0));
}

TEST(Knn, EqualsTheLoopOracle) {
  const Features bank = toy_features(200, 6, 4, 1.5F, 1);
  const Features queries = toy_features(120, 6, 4, 1.5F, 2);
  for (const std::int64_t k : {1, 5, 50, 200})
    for (const double temperature : {0.05, 0.1, 1.0}) {
      const Vote settings{k, temperature};
      EXPECT_DOUBLE_EQ(knn_accuracy(bank, queries, settings, 4), oracle(bank, queries, settings, 4))
          << k << " neighbours, temperature " << temperature;
    }
}

TEST(Knn, CountsEveryQueryOfSeveralBlocks) {
  const Features bank = toy_features(40, 6, 4, 1.5F, 1);
  const Features queries = toy_features(1003, 6, 4, 1.5F, 2);
  EXPECT_DOUBLE_EQ(knn_accuracy(bank, queries, {10, 0.1}, 4), oracle(bank, queries, {10, 0.1}, 4));
}

TEST(Knn, FindsEveryImageInItsOwnBank) {
  const Features bank = toy_features(100, 6, 5, 3.0F, 1);
  EXPECT_EQ(knn_accuracy(bank, bank, {1, 0.1}, 5), 1.0);
}

TEST(Knn, TakesTheWholeBankWhenKIsLarger) {
  const Features bank = toy_features(30, 6, 3, 1.0F, 1);
  const Features queries = toy_features(60, 6, 3, 1.0F, 2);
  EXPECT_EQ(knn_accuracy(bank, queries, {1000, 0.1}, 3), knn_accuracy(bank, queries, {30, 0.1}, 3));
}

TEST(Knn, ComparesByCosineNotByLength) {
  const Features bank{at::tensor({100.0F, 1.0F, 0.0F, 0.1F}, at::kFloat).view({2, 2}),
                      at::tensor({0, 1}, at::kLong)};
  const Features query{at::tensor({0.0F, 50.0F}, at::kFloat).view({1, 2}),
                       at::tensor({1}, at::kLong)};
  EXPECT_EQ(knn_accuracy(bank, query, {1, 0.1}, 2), 1.0);
}

TEST(Knn, WeighsVotesBySimilarity) {
  // One neighbour at cosine 1 against two at cosine 0: exp(1 / t) > 2 only below t = 1 / ln 2.
  const Features bank{at::tensor({1.0F, 0.0F, 0.0F, 1.0F, 0.0F, 1.0F}, at::kFloat).view({3, 2}),
                      at::tensor({1, 0, 0}, at::kLong)};
  const Features query{at::tensor({2.0F, 0.0F}, at::kFloat).view({1, 2}),
                       at::tensor({1}, at::kLong)};
  EXPECT_EQ(knn_accuracy(bank, query, {3, 1.3}, 2), 1.0);
  EXPECT_EQ(knn_accuracy(bank, query, {3, 1.6}, 2), 0.0);
}

TEST(Knn, GivesEqualSumsToTheSmallerLabel) {
  const Features bank{at::tensor({1.0F, 0.0F, 1.0F, 0.0F}, at::kFloat).view({2, 2}),
                      at::tensor({2, 1}, at::kLong)};
  Features query{at::tensor({1.0F, 0.0F}, at::kFloat).view({1, 2}), at::tensor({1}, at::kLong)};
  EXPECT_EQ(knn_accuracy(bank, query, {2, 0.1}, 3), 1.0);
  query.labels = at::tensor({2}, at::kLong);
  EXPECT_EQ(knn_accuracy(bank, query, {2, 0.1}, 3), 0.0);
}

TEST(Knn, LetsARowOfZerosVoteByMajority) {
  const Features bank = toy_features(7, 4, 2, 1.0F, 1);  // four of class 0, three of class 1
  const Features query{at::zeros({1, 4}), at::tensor({0}, at::kLong)};
  EXPECT_EQ(knn_accuracy(bank, query, {7, 0.1}, 2), 1.0);
}

TEST(Knn, DoesNotOverflowAtALowTemperature) {
  const Features bank = toy_features(60, 6, 3, 0.5F, 1);
  const Features queries = toy_features(60, 6, 3, 0.5F, 2);
  EXPECT_EQ(knn_accuracy(bank, queries, {60, 1e-4}, 3), knn_accuracy(bank, queries, {1, 1.0}, 3));
}

TEST(Knn, NamesWhatIsWrongWithItsArguments) {
  const Features some = toy_features(4, 3, 2, 1.0F, 1);
  const Features none{at::zeros({0, 3}), at::zeros({0}, at::kLong)};
  EXPECT_EQ(torch_error_of([&] { knn_accuracy(none, some, {}, 2); }),
            "[knn_votes] expected images in bank and queries, got 0 and 4");
  EXPECT_EQ(torch_error_of([&] { knn_accuracy(some, none, {}, 2); }),
            "[knn_votes] expected images in bank and queries, got 4 and 0");
  EXPECT_EQ(torch_error_of([&] { knn_accuracy(some, toy_features(4, 5, 2, 1.0F, 1), {}, 2); }),
            "[knn_votes] expected features of one width, got 3 and 5");
}

TEST(Knn, GivesEveryKInOnePassWhatItGivesAlone) {
  const Features bank = toy_features(200, 6, 4, 1.5F, 1);
  const Features queries = toy_features(50, 6, 4, 1.5F, 2);
  const std::vector<std::int64_t> ks{1, 10, 20, 200};
  const std::vector<at::Tensor> votes = knn_votes(bank, queries, {ks, 0.1}, 4);
  ASSERT_EQ(votes.size(), ks.size());
  for (std::size_t i = 0; i < ks.size(); ++i)
    EXPECT_TRUE(at::equal(votes[i], knn_votes(bank, queries, {{ks[i]}, 0.1}, 4).at(0))) << ks[i];
}

TEST(Knn, EqualsPyTorchsTopOneAndTopFive) {
  const Features bank = golden_features("bank", "bank_labels");
  const Features queries = golden_features("queries", "labels");
  for (const auto& golden : golden_evaluation()["knn"]) {
    const KnnSettings settings{{golden["k"]}, golden_evaluation()["temperature"]};
    const ClassScores scores =
        score_classes(knn_votes(bank, queries, settings, 7).at(0), queries.labels);
    EXPECT_DOUBLE_EQ(scores.top1, golden["top1"]) << golden["k"];
    EXPECT_DOUBLE_EQ(scores.top5, golden["top5"]) << golden["k"];
  }
}

TEST(Knn, ComparesOneNeighbourWithNoneForFifthPlace) {
  const Features bank = toy_features(100, 6, 10, 1.0F, 1);
  const Features queries = toy_features(100, 6, 10, 3.0F, 2);
  const ClassScores scores =
      score_classes(knn_votes(bank, queries, {{1}, 0.1}, 10).at(0), queries.labels);
  EXPECT_EQ(scores.top5, scores.top1);  // the other nine classes were not named at all
}

TEST(Knn, RefusesFeaturesThatAreNotFinite) {
  Features broken = toy_features(4, 3, 2, 1.0F, 1);
  broken.x[1][1] = std::nan("");
  EXPECT_EQ(torch_error_of([&] { knn_votes(broken, broken, {}, 2); }),
            "[knn_votes] a feature is not finite");
}

}  // namespace
}  // namespace simclr
