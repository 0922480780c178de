#include "simclr/eval/finetune.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/eval/toy_features.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

constexpr std::uint64_t kSeed = 11;

FinetuneSettings quick_settings() {
  FinetuneSettings settings;
  settings.epochs = 8;
  settings.batch_size = 64;  // 300 images: the last batch has 44
  settings.lr = 0.02;
  return settings;
}

FrozenData data_of(const FeatureSplits& features) {
  return {[&](std::uint32_t) { return features.train; }, features.validation, features.test, 3};
}

TrainingCurve finetune(const FeatureSplits& features,
                       const FinetuneSettings& settings = quick_settings(),
                       std::uint64_t seed = kSeed) {
  NullSink sink;
  return finetune_frozen(data_of(features), settings, seed, sink);
}

TEST(FinetuneFrozen, LearnsWhatCanBeSeparated) {
  FinetuneSettings settings = quick_settings();
  settings.epochs = 20;
  const TrainingCurve result = finetune(toy_splits(0.1F), settings);
  ASSERT_EQ(result.epochs.size(), 20U);
  EXPECT_EQ(result.test.top1, 1.0);
  EXPECT_LT(result.epochs.back().train_loss, result.epochs.front().train_loss / 4);
  EXPECT_EQ(result.epochs.back().train_accuracy, 1.0);
}

TEST(FinetuneFrozen, ChoosesWithoutTestLabels) {
  const FeatureSplits features = toy_splits(2.0F);
  FeatureSplits other = features;
  other.test = with_random_labels(features.test, 3, 1);
  const TrainingCurve a = finetune(features);
  const TrainingCurve b = finetune(other);
  EXPECT_EQ(a.best_epoch, b.best_epoch);
  for (std::size_t e = 0; e < a.epochs.size(); ++e) {
    EXPECT_EQ(a.epochs[e].train_loss, b.epochs[e].train_loss);
    EXPECT_EQ(a.epochs[e].validation_accuracy, b.epochs[e].validation_accuracy);
    EXPECT_NE(a.epochs[e].test_accuracy, b.epochs[e].test_accuracy);
  }
}

TEST(FinetuneFrozen, KeepsTheFirstOfTheBestEpochs) {
  const TrainingCurve result = finetune(toy_splits(2.0F));
  for (std::size_t e = 0; e < result.epochs.size(); ++e) {
    const double best = result.epochs[result.best_epoch].validation_accuracy;
    EXPECT_LE(result.epochs[e].validation_accuracy, best);
    if (e < result.best_epoch) {
      EXPECT_LT(result.epochs[e].validation_accuracy, best);
    }
  }
}

TEST(FinetuneFrozen, ScoresEachEpochsOwnHeadOnTest) {
  FeatureSplits features = toy_splits(2.0F);
  features.test = features.validation;
  const TrainingCurve curve = finetune(features);
  for (const ProbeEpoch& epoch : curve.epochs)
    EXPECT_EQ(epoch.test_accuracy, epoch.validation_accuracy);
  EXPECT_EQ(curve.test.top1, curve.epochs[curve.best_epoch].test_accuracy);
}

TEST(FinetuneFrozen, QuotesNotTheBestTestEpoch) {
  bool another_was_better = false;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const TrainingCurve curve = finetune(toy_splits(2.0F), quick_settings(), seed);
    EXPECT_EQ(curve.test.top1, curve.epochs[curve.best_epoch].test_accuracy);
    for (const ProbeEpoch& epoch : curve.epochs)
      another_was_better |= epoch.test_accuracy > curve.test.top1;
  }
  EXPECT_TRUE(another_was_better);
}

TEST(FinetuneFrozen, StopsWhereTheLossIsNotFinite) {
  FinetuneSettings settings = quick_settings();
  settings.lr = 1e38;
  expect_error(ExitCode::kDiverged, "the loss is not finite",
               [&] { finetune(toy_splits(2.0F), settings); });
}

TEST(FinetuneFrozen, GivesTheSameBitsForTheSameSeedOnly) {
  const FeatureSplits features = toy_splits(2.0F);
  const TrainingCurve a = finetune(features);
  const TrainingCurve b = finetune(features);
  const TrainingCurve other = finetune(features, quick_settings(), kSeed + 1);
  for (std::size_t e = 0; e < a.epochs.size(); ++e) {
    EXPECT_EQ(a.epochs[e].train_loss, b.epochs[e].train_loss);
    EXPECT_EQ(a.epochs[e].test_accuracy, b.epochs[e].test_accuracy);
    EXPECT_NE(a.epochs[e].train_loss, other.epochs[e].train_loss);
  }
}

TEST(FinetuneFrozen, CountsEveryImageOfTheLastBatch) {
  // At a rate of nearly 0 the head stays, so that loss and accuracy are those of one batch of all.
  FinetuneSettings settings = quick_settings();
  settings.lr = 1e-12;
  settings.epochs = 1;
  FinetuneSettings at_once = settings;
  at_once.batch_size = 1000;
  const FeatureSplits features = toy_splits(2.0F);
  const ProbeEpoch in_parts = finetune(features, settings).epochs[0];
  const ProbeEpoch whole = finetune(features, at_once).epochs[0];
  constexpr double kTolerance = 1e-6;  // f32 means of 300 losses in another order
  EXPECT_NEAR(in_parts.train_loss, whole.train_loss, kTolerance);
  EXPECT_NEAR(in_parts.train_accuracy, whole.train_accuracy, 1e-12);
}

TEST(FinetuneFrozen, StartsAtAHeadOfSmallWeights) {
  FinetuneSettings settings = quick_settings();
  settings.lr = 1e-12;
  settings.epochs = 1;
  FeatureSplits features = toy_splits(1.0F);
  features.train.x = at::zeros_like(features.train.x);
  // Scores are the biases alone, within 1 / sqrt(8) of each other's middle.
  EXPECT_NEAR(finetune(features, settings).epochs[0].train_loss, std::log(3.0), 0.2);
}

TEST(FinetuneFrozen, AsksForEveryEpochsFeaturesOnce) {
  const FeatureSplits features = toy_splits(1.0F);
  std::vector<std::uint32_t> asked;
  NullSink sink;
  const auto train_features = [&](std::uint32_t epoch) {
    asked.push_back(epoch);
    return features.train;
  };
  FinetuneSettings settings = quick_settings();
  settings.epochs = 3;
  finetune_frozen({train_features, features.validation, features.test, 3}, settings, kSeed, sink);
  EXPECT_EQ(asked, (std::vector<std::uint32_t>{0, 1, 2}));
}

class Lines final : public EventSink {
 public:
  void message(std::string_view line) override { lines.emplace_back(line); }
  void progress(std::string_view /*task*/, std::int64_t /*done*/, std::int64_t /*total*/,
                std::string_view /*rate_text*/) override {}
  std::vector<std::string> lines;
};

TEST(FinetuneFrozen, TellsLossAndAccuracyOfEveryEpoch) {
  const FeatureSplits features = toy_splits(1.0F);
  Lines sink;
  FinetuneSettings settings = quick_settings();
  settings.epochs = 2;
  finetune_frozen(data_of(features), settings, kSeed, sink);
  ASSERT_EQ(sink.lines.size(), 2U);
  EXPECT_EQ(sink.lines[1].rfind("Epoch 2/2  Train Loss: ", 0), 0U);
  EXPECT_NE(sink.lines[1].find(" | Val Acc: "), std::string::npos);
}

}  // namespace
}  // namespace simclr
