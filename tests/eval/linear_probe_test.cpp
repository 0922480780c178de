#include "simclr/eval/linear_probe.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "simclr/eval/logistic.h"
#include "simclr/loss/cross_entropy.h"
#include "tests/eval/toy_features.h"

namespace simclr {
namespace {

LinearSettings with_iterations(std::int64_t iterations) {
  LinearSettings settings;
  settings.iterations = iterations;
  return settings;
}

LinearResult probe(const FeatureSplits& features, std::int64_t iterations = 300) {
  NullSink sink;
  return linear_probe(features, 3, with_iterations(iterations), sink);
}

TEST(LinearProbe, SeparatesWhatCanBeSeparated) {
  const LinearResult result = probe(toy_splits(0.05F));
  EXPECT_EQ(result.train_accuracy, 1.0);
  EXPECT_EQ(result.validation_accuracy, 1.0);
  EXPECT_EQ(result.test.top1, 1.0);
  EXPECT_EQ(result.l2, 1.0);  // all fits are equal: the strongest
}

TEST(LinearProbe, IsAtChanceForRandomLabels) {
  FeatureSplits features = toy_splits(1.0F);
  features.train = with_random_labels(features.train, 3, 1);
  features.validation = with_random_labels(features.validation, 3, 2);
  features.test = with_random_labels(features.test, 3, 3);
  constexpr double kFourDeviations = 0.16;  // of a share of 150 at 1 / 3
  EXPECT_NEAR(probe(features).test.top1, 1.0 / 3.0, kFourDeviations);
}

TEST(LinearProbe, ChoosesWithoutTestLabels) {
  const FeatureSplits features = toy_splits(2.0F);
  FeatureSplits other = features;
  other.test = with_random_labels(features.test, 3, 1);
  const LinearResult a = probe(features);
  const LinearResult b = probe(other);
  EXPECT_EQ(a.l2, b.l2);
  EXPECT_EQ(a.train_accuracy, b.train_accuracy);
  EXPECT_EQ(a.validation_accuracy, b.validation_accuracy);
  EXPECT_GT(a.test.top1, b.test.top1);
}

TEST(LinearProbe, GivesWeightsForFeaturesAsTheyAre) {
  const FeatureSplits features = toy_splits(2.0F);
  const LinearResult result = probe(features);
  const at::Tensor scores = at::linear(features.test.x, result.weight, result.bias);
  EXPECT_EQ(accuracy(scores, features.test.labels), result.test.top1);
}

TEST(LinearProbe, ReportsTheFitThatIsBestOnValidation) {
  const FeatureSplits features = toy_splits(2.5F);
  const at::Tensor train = features.train.x.to(at::kDouble);
  const at::Tensor mean = train.mean(0);
  const at::Tensor deviation = train.std(0, /*unbiased=*/false);
  const auto scaled = [&](const Features& part) {
    return (part.x.to(at::kDouble) - mean) / deviation;
  };
  double best = -1;
  double best_l2 = 0;
  double test_of_best = 0;
  for (const double l2 : {1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}) {
    const LogisticModel model =
        LogisticProblem(scaled(features.train), features.train.labels, 3).fit(l2, 300);
    const auto score = [&](const Features& part) {
      return accuracy(at::addmm(model.bias, scaled(part), model.weight.t()), part.labels);
    };
    if (score(features.validation) <= best) continue;
    best = score(features.validation);
    best_l2 = l2;
    test_of_best = score(features.test);
  }
  const LinearResult result = probe(features);
  EXPECT_EQ(result.l2, best_l2);
  EXPECT_EQ(result.validation_accuracy, best);
  EXPECT_EQ(result.test.top1, test_of_best);
}

TEST(LinearProbe, DoesNotChangeWhenFeaturesAreScaledOrMoved) {
  const FeatureSplits features = toy_splits(2.0F);
  FeatureSplits moved = features;
  for (Features* part : {&moved.train, &moved.validation, &moved.test})
    part->x = part->x * 64.0 + 8.0;
  EXPECT_EQ(probe(features).l2, probe(moved).l2);
  EXPECT_EQ(probe(features).test.top1, probe(moved).test.top1);
}

TEST(LinearProbe, IgnoresAFeatureThatNeverChanges) {
  const FeatureSplits features = toy_splits(2.0F);
  FeatureSplits more = features;
  for (Features* part : {&more.train, &more.validation, &more.test})
    part->x = at::cat({part->x, at::full({part->x.size(0), 1}, 7.0F)}, 1);
  EXPECT_EQ(probe(features).test.top1, probe(more).test.top1);
}

/// Keeps what it is told.
class Notes final : public EventSink {
 public:
  void message(std::string_view line) override { lines.emplace_back(line); }
  void progress(std::string_view /*task*/, std::int64_t done, std::int64_t total,
                std::string_view /*rate_text*/) override {
    done_of_total = {done, total};
  }
  std::vector<std::string> lines;
  std::pair<std::int64_t, std::int64_t> done_of_total;
};

TEST(LinearProbe, TellsOfAFitThatWasStopped) {
  Notes stopped;
  linear_probe(toy_splits(2.0F), 3, with_iterations(1), stopped);
  ASSERT_EQ(stopped.lines.size(), 1U);
  EXPECT_NE(stopped.lines[0].find("was stopped after 1 iterations, short of its optimum"),
            std::string::npos);
  Notes finished;
  linear_probe(toy_splits(2.0F), 3, with_iterations(300), finished);
  EXPECT_TRUE(finished.lines.empty());
  EXPECT_EQ(finished.done_of_total, std::make_pair(std::int64_t{7}, std::int64_t{7}));
}

}  // namespace
}  // namespace simclr
