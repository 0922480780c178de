#include "simclr/train/monitor.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "simclr/measure/representation.h"
#include "simclr/train/notes.h"
#include "simclr/train/run_folder.h"
#include "simclr/train/time_budget.h"
#include "simclr/weights/state.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"
#include "tests/train/small_run.h"

namespace simclr {
namespace {

TEST(Monitor, FillsEveryColumn) {
  const TempFolder folder;
  NullSink silent;
  for (const EpochMetrics& row : train_run(folder / "a", tiny_settings(), silent).epochs) {
    EXPECT_GE(row.knn_accuracy, 0.0);
    EXPECT_GE(row.probe_accuracy, 0.0);
    EXPECT_GT(row.alignment, 0.0);
    EXPECT_LT(row.uniformity, 0.0);
    EXPECT_GT(row.effective_rank, 1.0);
    EXPECT_GT(row.gradient_norm, 0.0);
    EXPECT_NEAR(row.loader_share + row.step_share + row.evaluation_share + row.saving_share, 1.0,
                1e-9);
  }
}

Settings without_monitors() {
  Settings settings = tiny_settings();
  settings.monitor.knn = settings.monitor.linear = settings.monitor.views = false;
  settings.monitor.rank = settings.monitor.gradient = settings.monitor.tensorboard = false;
  return settings;
}

TEST(Monitor, WhatIsNotAskedForIsNotMeasured) {
  const TempFolder folder;
  NullSink silent;
  const EpochMetrics row = train_run(folder / "a", without_monitors(), silent).epochs.back();
  for (const double value : {row.knn_accuracy, row.probe_accuracy, row.alignment, row.uniformity,
                             row.effective_rank, row.gradient_norm})
    EXPECT_TRUE(std::isnan(value));
  EXPECT_TRUE(event_files(folder / "a").empty());
  const std::string csv = read_file(folder / "a/metrics.csv");
  EXPECT_TRUE(contains(csv, ",,,,,\n"));
}

TEST(Monitor, ChangesNothingOfWhatIsTrained) {
  const TempFolder folder;
  NullSink silent;
  train_run(folder / "with", tiny_settings(), silent);
  train_run(folder / "without", without_monitors(), silent);
  std::string sha[2];
  for (const bool with : {false, true}) {
    SimclrModel model = SimclrModel::contrastive(tiny_settings().model, 0);
    load_model(folder / (with ? "with/checkpoints/last.safetensors"
                              : "without/checkpoints/last.safetensors"),
               model);
    sha[with] = encoder_sha256(model);
  }
  EXPECT_EQ(sha[0], sha[1]);
}

TEST(Monitor, PassesNoGradientOnToTheEncoder) {
  const Settings settings = tiny_settings();
  const DataSplits data = open_data(settings.data);
  Monitor monitor(settings, data, 4, at::kCPU);
  const at::Tensor encoder = at::ones({4, 4}).requires_grad_();
  monitor.learn(at::ones({6, 4}).matmul(encoder), {0, 1, 2});
  EXPECT_FALSE(encoder.grad().defined());
  EXPECT_NE(monitor.state().at("probe.weight").abs().sum().item<double>(), 0.0);
}

TEST(Monitor, ItsClassifierLearnsWhatCanBeToldApart) {
  const Settings settings = tiny_settings();
  const DataSplits data = open_data(settings.data);
  Monitor monitor(settings, data, 10, at::kCPU);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 10; ++i) labels.push_back(i);
  const at::Tensor features = at::eye(10).repeat({2, 1});  // two views of an image of each class
  for (int step = 0; step < 50; ++step) monitor.learn(features, labels);
  const at::Tensor scores =
      at::linear(at::eye(10), monitor.state().at("probe.weight"), monitor.state().at("probe.bias"));
  EXPECT_TRUE(at::argmax(scores, 1).equal(at::arange(10)));
}

TEST(Monitor, WithoutLabelsMeasuresWhatNeedsNone) {
  const Settings settings = tiny_settings();
  DataSplits data = open_data(settings.data);
  data.class_names.clear();
  Monitor monitor(settings, data, 128, at::kCPU);
  EXPECT_TRUE(monitor.state().empty());
  SimclrModel model = SimclrModel::contrastive(settings.model, 0);
  model.set_training(false);
  EpochMetrics row;
  monitor.measure(model, row);
  EXPECT_TRUE(std::isnan(row.knn_accuracy));
  EXPECT_GT(row.effective_rank, 1.0);
}

TEST(Monitor, LooksAtProjectionsOfEvenlySpreadImages) {
  Settings settings = tiny_settings();
  settings.monitor.images = 5;
  const DataSplits data = open_data(settings.data);  // 30 validation images
  ASSERT_EQ(data.validation->size(), 30U);
  Monitor monitor(settings, data, 128, at::kCPU);
  const at::Tensor first = at::rand({30, 8});
  const at::Tensor second = at::rand({30, 8});
  for (const std::int64_t start : {0, 7, 14, 21, 28}) {
    const std::int64_t end = std::min<std::int64_t>(start + 7, 30);
    monitor.see(at::cat({first.slice(0, start, end), second.slice(0, start, end)}), end - start);
  }
  SimclrModel model = SimclrModel::contrastive(settings.model, 0);
  model.set_training(false);
  EpochMetrics row;
  monitor.measure(model, row);
  const at::Tensor rows = at::arange(5, 30, 6);  // the last of each six
  const at::Tensor z = at::cat({first.index_select(0, rows), second.index_select(0, rows)});
  EXPECT_DOUBLE_EQ(row.alignment, alignment(z));
  EXPECT_DOUBLE_EQ(row.uniformity, uniformity(first.index_select(0, rows)));
}

TEST(Monitor, ValidationScoresTheAverageOfTheWeightsWhereThereIsOne) {
  const TempFolder folder;
  NullSink silent;
  Settings settings = tiny_settings();
  settings.train.epochs = 1;
  const double trained = train_run(folder / "a", settings, silent).epochs[0].val_loss;
  settings.optim.ema_decay = 1e-12;  // forgets at once: the average is the last weights
  EXPECT_NEAR(train_run(folder / "b", settings, silent).epochs[0].val_loss, trained, 1e-6);
  settings.optim.ema_decay = 0.999999;  // forgets nothing: the initial weights
  const PretrainResult initial = train_run(folder / "c", settings, silent);
  EXPECT_GT(std::abs(initial.epochs[0].val_loss - trained), 1e-3);
}

// ---- notes ----

EpochMetrics row_with(double train_loss, double uniformity_, double rank) {
  EpochMetrics row;
  row.train_loss = train_loss;
  row.uniformity = uniformity_;
  row.effective_rank = rank;
  return row;
}

TEST(Notes, SayOnceWhatLasts) {
  Settings settings;
  settings.train.batch_size = 32;
  const double chance = chance_loss(settings, 10);
  EXPECT_DOUBLE_EQ(chance, std::log(63.0));
  Notes notes(chance);
  EXPECT_TRUE(notes.on(row_with(3.0, -2.0, 20.0)).empty());
  const std::vector<std::string> first = notes.on(row_with(chance, -0.001, 1.01));
  ASSERT_EQ(first.size(), 3U);
  EXPECT_TRUE(contains(first[0], "sits at chance, 4.1431 of 4.1431")) << first[0];
  EXPECT_TRUE(contains(first[1], "projections have collapsed")) << first[1];
  EXPECT_TRUE(contains(first[2], "effective rank 1.01")) << first[2];
  EXPECT_TRUE(notes.on(row_with(chance, -0.001, 1.01)).empty());
  EXPECT_TRUE(notes.on(row_with(3.0, -2.0, 20.0)).empty());
  EXPECT_EQ(notes.on(row_with(chance, -2.0, 20.0)).size(), 1U);
  // A low temperature's first epoch.
  EXPECT_TRUE(Notes(chance).on(row_with(chance + 1.0, -2.0, 20.0)).empty());
}

TEST(Notes, WhatWasNotMeasuredIsNoCollapse) {
  EXPECT_TRUE(
      Notes(4.0).on(row_with(3.0, EpochMetrics::kNotMeasured, EpochMetrics::kNotMeasured)).empty());
}

TEST(Notes, ARunThatLearnsNothingIsToldSo) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.epochs = 1;
  settings.loss.temperature = 100.0;  // all similarities are nearly equal
  Listener listener;
  train_run(folder / "a", settings, listener);
  EXPECT_TRUE(contains(listener.said, "Note: the training loss sits at chance")) << listener.said;
}

// ---- the start line, the time budget ----

TEST(StartLine, SaysHowManyNegativesThereAre) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.epochs = 1;
  settings.train.micro_batch = 7;
  settings.model.bn = NormViews::kPerView;
  Listener listener;
  train_run(folder / "a", settings, listener);
  EXPECT_TRUE(contains(listener.said, "(28 views, 26 negatives each), in 2 micro-batches of 7"))
      << listener.said;
  EXPECT_TRUE(contains(listener.said, "each micro-batch's own")) << listener.said;
  EXPECT_TRUE(contains(listener.said, "batch norm over each view apart")) << listener.said;
}

TEST(StartLine, SaysWhichSettingsHaveNoEffect) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.epochs = 1;
  Listener plain;
  train_run(folder / "plain", settings, plain);
  EXPECT_FALSE(contains(plain.said, "no effect")) << plain.said;
  EXPECT_FALSE(contains(plain.said, "warmup")) << plain.said;
  settings.optim.milestones = {1};
  settings.optim.warmup_epochs = 1.0;
  Listener listener;
  train_run(folder / "a", settings, listener);
  EXPECT_TRUE(contains(listener.said,
                       "Note: with --warmup-epochs 1 and --epochs 1 the peak rate is reached at "
                       "the last step only."))
      << listener.said;
  EXPECT_TRUE(
      contains(listener.said, "Note: --milestones have no effect with --schedule constant."))
      << listener.said;
}

TEST(TimeBudget, TakesWholeEpochsThatFit) {
  EXPECT_EQ(epochs_within(1000.0, {.epoch = 9.0, .start = 5.0}), 105);  // 945 s of 950
  EXPECT_EQ(epochs_within(1.0, {.epoch = 9.0, .start = 5.0}), 1);
}

TEST(TimeBudget, ChoosesTheEpochsAndTheRunsSettingsRepeatThem) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.epochs = 40;
  settings.train.time_budget.seconds = 1e-3;  // nothing fits: one epoch
  Listener listener;
  const PretrainResult result = train_run(folder / "a", settings, listener);
  EXPECT_EQ(result.epochs.size(), 1U);
  EXPECT_TRUE(contains(listener.said, "so 1 epoch: ")) << listener.said;
  const Settings kept = RunFolder::open(folder / "a").settings();
  EXPECT_EQ(kept.train.epochs, 1);
  EXPECT_EQ(kept.train.time_budget.seconds, 0.0);
  NullSink silent;
  train_run(folder / "b", kept, silent);
  EXPECT_TRUE(checkpoint_bytes(folder / "a") == checkpoint_bytes(folder / "b"));
}

TEST(TimeBudget, IsMeasuredAgainWhereARunWasKilledMeanwhile) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.time_budget.seconds = 1e-3;  // nothing fits: one epoch
  RunFolder::create(folder / "a", settings, "test", false);
  NullSink silent;
  EXPECT_EQ(train_run(folder / "a", settings, silent, true).epochs.size(), 1U);
  EXPECT_EQ(RunFolder::open(folder / "a").settings().train.epochs, 1);
}

TEST(TimeBudget, IsNotMeasuredAgainWhereTheRunHasItsEpochs) {  // as a study resumes its trials
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.time_budget.seconds = 1e-3;
  NullSink silent;
  train_run(folder / "a", settings, silent);
  Listener listener;
  EXPECT_EQ(train_run(folder / "a", settings, listener, true).epochs.size(), 1U);
  EXPECT_TRUE(contains(listener.said, "its epochs stay 1.")) << listener.said;
}

TEST(Precision, FallsBackWithAWordWhereADeviceGainsNothing) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.epochs = 1;
  settings.run.precision = Precision::kBf16;
  Listener listener;
  train_run(folder / "a", settings, listener);
  EXPECT_TRUE(contains(listener.said, "Precision: f32, by the native engine, and not bf16"))
      << listener.said;
  settings.model.engine = EngineKind::kNative;
  expect_error(ExitCode::kUsage, "--precision bf16: the native engine computes in f32",
               [&] { train_run(folder / "b", settings, listener); });
}

TEST(Precision, Fp16KeepsItsScaleInTheCheckpoint) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.epochs = 1;
  settings.data.image_size = 8;  // LibTorch's fp16 is slow on most processors
  settings.run.precision = Precision::kFp16;
  settings.model.engine = EngineKind::kTorch;
  NullSink silent;
  train_run(folder / "whole", settings, silent);
  const SafetensorsFile file = SafetensorsFile::read(folder / "whole/checkpoints/last.safetensors");
  EXPECT_EQ(file.tensors().count("scaler.scale"), 1U);
  PretrainOptions options{.settings = settings, .out = folder / "run", .command = "test"};
  options.stop = [left = 3]() mutable { return --left == 0; };
  pretrain(options, silent);
  train_run(folder / "run", settings, silent, true);
  EXPECT_TRUE(checkpoint_bytes(folder / "run") == checkpoint_bytes(folder / "whole"));
}

}  // namespace
}  // namespace simclr
