#include "simclr/eval/linear_sgd.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/eval/golden_evaluation.h"
#include "tests/eval/toy_features.h"

namespace simclr {
namespace {

constexpr double kRounding = 1e-5;  // of f32 against f64, over a dozen steps

LinearSettings quick_settings() {
  LinearSettings settings;
  settings.epochs = 6;
  settings.batch_size = 64;  // 300 images: the last batch has 44
  return settings;
}

LinearSgdResult probe(const FeatureSplits& features,
                      const LinearSettings& settings = quick_settings(), std::uint64_t seed = 3) {
  NullSink sink;
  return linear_sgd(
      {[&](std::uint32_t) { return features.train; }, features.validation, features.test, 3},
      settings, seed, sink);
}

TEST(LinearSgd, FollowsPyTorchsOptimizer) {
  const nlohmann::json& golden = golden_evaluation();
  const Features bank = golden_features("bank", "bank_labels");
  const Features queries = golden_features("queries", "labels");
  LinearSettings settings;
  settings.epochs = golden["epochs"];
  settings.batch_size = bank.x.size(0);  // all at once: the order does not matter
  NullSink sink;
  const LinearSgdResult result =
      linear_sgd({[&](std::uint32_t) { return bank; }, queries, queries, golden["classes"]},
                 settings, 1, sink);
  bool compared = false;
  for (const auto& head : golden["sgd"]) {
    if (head["rate"] != result.lr) continue;
    for (std::size_t e = 0; e < result.curve.epochs.size(); ++e)
      EXPECT_NEAR(result.curve.epochs[e].train_loss, head["losses"][e].get<double>(), kRounding);
    compared = true;
  }
  EXPECT_TRUE(compared) << result.lr;
}

TEST(LinearSgd, LearnsWhatCanBeSeparated) {
  const LinearSgdResult result = probe(toy_splits(0.1F));
  EXPECT_EQ(result.curve.test.top1, 1.0);
  EXPECT_EQ(result.curve.epochs.back().train_accuracy, 1.0);
}

TEST(LinearSgd, ChoosesWithoutTestLabels) {
  const FeatureSplits features = toy_splits(2.0F);
  FeatureSplits other = features;
  other.test = with_random_labels(features.test, 3, 1);
  const LinearSgdResult a = probe(features);
  const LinearSgdResult b = probe(other);
  EXPECT_EQ(a.lr, b.lr);
  EXPECT_EQ(a.curve.best_epoch, b.curve.best_epoch);
  for (std::size_t e = 0; e < a.curve.epochs.size(); ++e)
    EXPECT_EQ(a.curve.epochs[e].validation_accuracy, b.curve.epochs[e].validation_accuracy);
  EXPECT_NE(a.curve.test.top1, b.curve.test.top1);
}

TEST(LinearSgd, QuotesTheEpochThatValidationChose) {
  FeatureSplits features = toy_splits(2.0F);
  features.test = features.validation;
  bool later_than_the_first = false;
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) {
    const TrainingCurve curve = probe(features, quick_settings(), seed).curve;
    later_than_the_first |= curve.best_epoch > 0;
    EXPECT_EQ(curve.test.top1, curve.validation_accuracy());
    for (const ProbeEpoch& epoch : curve.epochs) {
      EXPECT_EQ(epoch.test_accuracy, epoch.validation_accuracy);
      EXPECT_LE(epoch.validation_accuracy, curve.test.top1);
    }
  }
  EXPECT_TRUE(later_than_the_first);
}

TEST(LinearSgd, QuotesNotTheBestTestEpoch) {
  bool another_was_better = false;
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) {
    const TrainingCurve curve = probe(toy_splits(2.0F), quick_settings(), seed).curve;
    EXPECT_EQ(curve.test.top1, curve.epochs[curve.best_epoch].test_accuracy);
    for (const ProbeEpoch& epoch : curve.epochs)
      another_was_better |= epoch.test_accuracy > curve.test.top1;
  }
  EXPECT_TRUE(another_was_better);
}

TEST(LinearSgd, IsAtChanceForRandomLabels) {
  FeatureSplits features = toy_splits(1.0F);
  features.train = with_random_labels(features.train, 3, 1);
  features.validation = with_random_labels(features.validation, 3, 2);
  features.test = with_random_labels(features.test, 3, 3);
  constexpr double kFourDeviations = 0.16;  // of a share of 150 at 1 / 3
  EXPECT_NEAR(probe(features).curve.test.top1, 1.0 / 3.0, kFourDeviations);
}

TEST(LinearSgd, SurvivesRatesThatAreTooHigh) {
  FeatureSplits features = toy_splits(0.5F);
  for (Features* part : {&features.train, &features.validation, &features.test})
    part->x = part->x * 3e18;
  const LinearSgdResult result = probe(features);  // the largest rates overflow
  EXPECT_GT(result.curve.test.top1, 0.5);
}

TEST(LinearSgd, CountsEveryImageOfTheLastBatch) {
  FeatureSplits features = toy_splits(2.0F);
  LinearSettings settings = quick_settings();
  settings.epochs = 1;
  settings.batch_size = 299;  // the second batch is one image
  // Were it left out, the shares of the batches would not add up to 1.
  features.train.labels.fill_(0);
  features.validation.labels.fill_(0);
  EXPECT_NEAR(probe(features, settings).curve.epochs[0].train_accuracy, 1.0, 1e-12);
}

TEST(LinearSgd, GivesTheSameBitsForTheSameSeedOnly) {
  const FeatureSplits features = toy_splits(2.0F);
  const TrainingCurve a = probe(features).curve, b = probe(features).curve;
  const TrainingCurve other = probe(features, quick_settings(), 4).curve;
  EXPECT_EQ(a.epochs[0].train_loss, b.epochs[0].train_loss);
  EXPECT_NE(a.epochs[0].train_loss, other.epochs[0].train_loss);
}

}  // namespace
}  // namespace simclr
