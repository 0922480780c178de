#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "simclr/config/schema.h"
#include "simclr/core/files.h"
#include "simclr/model/simclr_model.h"
#include "simclr/optim/optimizer.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/pretrain.h"
#include "simclr/weights/state.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"
#include "tests/train/small_run.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr double kSeen = 1e-3;  // far above roundings of f32 in a loss of about 3

/// A network and a data set for seconds: two steps of 8 images an epoch.
void shrink(Settings& settings) {
  settings.data.source = "shapes10";
  settings.data.shapes_images = 100;
  settings.data.train_percent = 0.3;
  settings.data.validation_percent = 0.4;
  settings.model.width = 0.25;
  settings.model.head_hidden = 32;
  settings.model.projection_dim = 16;
  settings.train.epochs = 1;
  settings.train.batch_size = 8;
  settings.run.threads = 1;
}

Settings small_settings() {
  Settings settings;
  shrink(settings);
  return settings;
}

PretrainResult train(const fs::path& out, const Settings& settings, bool resume = false) {
  NullSink silent;
  return pretrain({.settings = settings, .out = out, .command = "test", .resume = resume}, silent);
}

TEST(Presets, EachTrainsAStep) {
  for (const std::string& name : preset_names()) {
    SettingsBuilder builder;
    builder.apply_preset(name);
    Settings settings = builder.resolve();
    shrink(settings);
    const TempFolder folder;
    NullSink silent;
    PretrainOptions options{.settings = settings, .out = folder / "a", .command = "test"};
    options.stop = [] { return true; };
    EXPECT_TRUE(pretrain(options, silent).interrupted) << name;
    EXPECT_TRUE(fs::exists(folder / "a/checkpoints/last.safetensors")) << name;
  }
}

TEST(Recipes, EveryOptimizerScheduleAndLossTrains) {
  for (const char* yaml :
       {"optim: {optimizer: adamw, weight_decay: 0.01, weight_decay_exclude: norm-bias}",
        "optim: {optimizer: lars, lr: 1, weight_decay: 0.000001, clip_norm: 1}",
        "optim: {optimizer: sgd, lr: 0.1, nesterov: true, schedule: step, milestones: [1]}",
        "loss: {kind: dcl}", "loss: {kind: supcon}"}) {
    SettingsBuilder builder;
    builder.apply_yaml(yaml, "test");
    Settings settings = builder.resolve();
    shrink(settings);
    const TempFolder folder;
    EXPECT_EQ(train(folder / "a", settings).epochs.size(), 1U) << yaml;
  }
}

TEST(Recipes, LossesDiffer) {
  const TempFolder folder;
  std::vector<double> losses;
  for (const LossKind kind : {LossKind::kNtXent, LossKind::kDcl, LossKind::kSupCon}) {
    Settings settings = small_settings();
    settings.loss.kind = kind;
    losses.push_back(train(folder / std::string(name_of(kind)), settings).epochs[0].train_loss);
  }
  EXPECT_LT(losses[1], losses[0]);  // DCL's denominator lacks a term
  // Two images of each class: some meet in a batch of 8, and pull each other's anchors down.
  EXPECT_GT(std::abs(losses[2] - losses[0]), kSeen);
}

TEST(Recipes, SpareWhatBelongsToBatchNormAndBiases) {
  OptimSettings settings;
  settings.optimizer = OptimizerKind::kLars;
  const SimclrModel model = SimclrModel::contrastive(small_settings().model, 0);
  for (const auto& [name, tensor] : model.parameters()) {
    const bool norm =
        contains(name, ".bn") || contains(name, "downsample.1") || contains(name, "head.1.");
    const bool bias = name.ends_with(".bias");
    EXPECT_EQ(is_excluded_from_decay(settings, tensor), norm || bias) << name;
  }
}

TEST(Recipes, TheStartLineStatesThePeakRate) {
  Settings settings = small_settings();
  settings.optim.optimizer = OptimizerKind::kLars;
  settings.optim.lr = 0.5;
  settings.optim.lr_scaling = LrScaling::kSqrt;
  settings.train.batch_size = 16;
  const TempFolder folder;
  Listener listener;
  pretrain({.settings = settings, .out = folder / "a", .command = "test"}, listener);
  EXPECT_TRUE(
      contains(listener.said, "Optimizer: lars; peak learning rate 0.125 (0.5, scaling sqrt)"))
      << listener.said;
}

TEST(Recipes, TheRateOfAnEpochIsTheScaledOne) {
  Settings settings = small_settings();
  settings.optim.lr_scaling = LrScaling::kLinear;
  settings.optim.lr = 0.032;
  const TempFolder folder;
  EXPECT_DOUBLE_EQ(train(folder / "a", settings).epochs[0].lr, 0.001);
}

TEST(Recipes, ACosineFallsStepByStepAndEndsWithTheRun) {
  Settings settings = small_settings();
  settings.train.epochs = 3;
  settings.optim.schedule = Schedule::kCosine;
  const TempFolder folder;
  const std::vector<EpochMetrics> rows = train(folder / "a", settings).epochs;
  for (const EpochMetrics& row : rows) {  // of the epoch's last step
    const double done = static_cast<double>(row.step - 1) / static_cast<double>(rows.back().step);
    EXPECT_NEAR(row.lr, 0.5e-3 * (1.0 + std::cos(std::acos(-1.0) * done)), 1e-12);
  }
}

// ---- the average of the weights ----

Settings averaging(std::int64_t epochs) {
  Settings settings = small_settings();
  settings.optim.ema_decay = 0.5;
  settings.train.epochs = epochs;
  return settings;
}

std::string sha256_of(const fs::path& run, Weights weights) {
  SimclrModel model = SimclrModel::contrastive(small_settings().model, 0);
  load_model(run / "checkpoints/last.safetensors", model, weights);
  return encoder_sha256(model);
}

TEST(AverageWeights, AreInTheCheckpointBesideTheTrainedOnes) {
  const TempFolder folder;
  train(folder / "a", averaging(1));
  Settings plain = averaging(1);
  plain.optim.ema_decay = 0.0;
  train(folder / "b", plain);
  EXPECT_EQ(sha256_of(folder / "a", Weights::kTrained), sha256_of(folder / "b", Weights::kTrained));
  EXPECT_NE(sha256_of(folder / "a", Weights::kAverage), sha256_of(folder / "a", Weights::kTrained));
}

TEST(AverageWeights, EqualTheTrainedOnesWhereTheAverageForgetsAtOnce) {
  const TempFolder folder;
  Settings settings = averaging(1);
  settings.optim.ema_decay = 1e-12;
  train(folder / "a", settings);
  const auto model_of = [&](Weights weights) {
    SimclrModel model = SimclrModel::contrastive(settings.model, 0);
    load_model(folder / "a/checkpoints/last.safetensors", model, weights);
    return state_of(model);
  };
  const auto trained = model_of(Weights::kTrained);
  for (const auto& [name, average] : model_of(Weights::kAverage))
    EXPECT_TRUE(at::allclose(average, trained.at(name), 1e-5, 1e-6)) << name;
}

TEST(AverageWeights, ResumeBitForBit) {
  const TempFolder folder;
  train(folder / "whole", averaging(2));
  NullSink silent;
  PretrainOptions options{.settings = averaging(2), .out = folder / "cut", .command = "test"};
  options.stop = [] { return true; };
  ASSERT_TRUE(pretrain(options, silent).interrupted);
  train(folder / "cut", averaging(2), true);
  EXPECT_TRUE(read_file(folder / "cut/checkpoints/last.safetensors") ==
              read_file(folder / "whole/checkpoints/last.safetensors"));
}

TEST(AverageWeights, WantedWhereNoneWereKeptIsAnErrorThatSaysHow) {
  const TempFolder folder;
  train(folder / "a", small_settings());
  const Error error =
      expect_error(ExitCode::kUsage, [&] { sha256_of(folder / "a", Weights::kAverage); });
  EXPECT_TRUE(contains(error.what(), "holds no average of the weights")) << error.what();
  EXPECT_TRUE(contains(error.hint(), "--ema-decay")) << error.hint();
}

}  // namespace
}  // namespace simclr
