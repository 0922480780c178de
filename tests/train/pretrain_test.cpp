#include "simclr/train/pretrain.h"

#include <gtest/gtest.h>

#include <map>

#include "simclr/core/files.h"
#include "simclr/formats/safetensors.h"
#include "simclr/train/run_folder.h"
#include "tests/support/expect_error.h"
#include "tests/support/small_network.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

/// Small enough for seconds, with a partial last batch in training (96 of 112) and validation (28
/// of 2 x 16).
Settings small_settings() {
  Settings settings;
  settings.data.shapes_images = 140;
  settings.model = small_network();
  settings.train.epochs = 3;
  settings.train.batch_size = 16;
  settings.run.threads = 1;
  return settings;
}

PretrainResult train(const fs::path& out, const Settings& settings, bool resume = false) {
  NullSink silent;
  return pretrain({.settings = settings, .out = out, .command = "test", .resume = resume}, silent);
}

/// Trains until `steps` steps are done, as a signal would stop it.
PretrainResult train_interrupted(const fs::path& out, const Settings& settings, int steps) {
  NullSink silent;
  PretrainOptions options{.settings = settings, .out = out, .command = "test"};
  options.stop = [steps]() mutable { return --steps == 0; };
  return pretrain(options, silent);
}

std::string last_checkpoint(const fs::path& run) {
  return read_file(run / "checkpoints/last.safetensors");
}

/// The tensors of a checkpoint as bytes, without its metadata (which holds the settings).
std::string tensors_of(const fs::path& run) {
  const SafetensorsFile file = SafetensorsFile::read(run / "checkpoints/last.safetensors");
  std::string bytes;
  for (const auto& [name, entry] : file.tensors()) {
    bytes += name;
    bytes.append(static_cast<const char*>(entry.data), entry.bytes);
  }
  return bytes;
}

std::vector<double> losses_of(const PretrainResult& result) {
  std::vector<double> losses;
  for (const EpochMetrics& row : result.epochs) {
    losses.push_back(row.train_loss);
    losses.push_back(row.val_loss);
  }
  return losses;
}

TEST(Pretrain, SameSettingsGiveTheSameBits) {
  const TempFolder folder;
  const PretrainResult a = train(folder.path() / "a", small_settings());
  const PretrainResult b = train(folder.path() / "b", small_settings());
  EXPECT_EQ(losses_of(a), losses_of(b));
  EXPECT_TRUE(last_checkpoint(folder.path() / "a") == last_checkpoint(folder.path() / "b"));
}

TEST(Pretrain, AnotherSeedGivesOtherWeights) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.train.epochs = 1;
  train(folder.path() / "a", settings);
  settings.train.seed = 1;
  train(folder.path() / "b", settings);
  EXPECT_NE(tensors_of(folder.path() / "a"), tensors_of(folder.path() / "b"));
}

TEST(Pretrain, NumberOfWorkersChangesNoBit) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.train.epochs = 2;
  for (const std::int64_t workers : {0, 1, 3}) {
    settings.run.workers = workers;
    train(folder.path() / std::to_string(workers), settings);
  }
  EXPECT_EQ(tensors_of(folder.path() / "0"), tensors_of(folder.path() / "1"));
  EXPECT_EQ(tensors_of(folder.path() / "0"), tensors_of(folder.path() / "3"));
}

TEST(Pretrain, NumberOfThreadsChangesNoBit) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.train.epochs = 2;
  for (const std::int64_t threads : {1, 2, 3}) {
    settings.run.threads = threads;
    train(folder.path() / std::to_string(threads), settings);
  }
  EXPECT_TRUE(tensors_of(folder.path() / "1") == tensors_of(folder.path() / "2"));
  EXPECT_TRUE(tensors_of(folder.path() / "1") == tensors_of(folder.path() / "3"));
}

TEST(Pretrain, ResumedEndsWithTheBitsOfTheUninterruptedRun) {
  const TempFolder folder;
  const PretrainResult whole = train(folder.path() / "whole", small_settings());
  for (const int steps :
       {3, 7, 14, 15}) {  // within the first epoch, at its end, at the second's end, after it
    const fs::path out = folder.path() / std::to_string(steps);
    ASSERT_TRUE(train_interrupted(out, small_settings(), steps).interrupted);
    const PretrainResult resumed = train(out, small_settings(), true);
    EXPECT_FALSE(resumed.interrupted);
    EXPECT_EQ(losses_of(resumed), losses_of(whole)) << steps;
    EXPECT_TRUE(last_checkpoint(out) == last_checkpoint(folder.path() / "whole")) << steps;
  }
}

TEST(Pretrain, ResumingAfterAKillForgetsWhatCameAfterTheCheckpoint) {
  const TempFolder folder;
  const PretrainResult whole = train(folder.path() / "whole", small_settings());
  // Killed after the second epoch's metrics were written, before its checkpoint was.
  Settings one_epoch = small_settings();
  one_epoch.train.epochs = 1;
  train(folder.path() / "killed", one_epoch);
  write_metrics(folder.path() / "killed", {whole.epochs[0], whole.epochs[1]});
  const PretrainResult resumed = train(folder.path() / "killed", small_settings(), true);
  EXPECT_EQ(losses_of(resumed), losses_of(whole));
  EXPECT_TRUE(last_checkpoint(folder.path() / "killed") ==
              last_checkpoint(folder.path() / "whole"));
}

TEST(Pretrain, ResumingBeforeTheFirstCheckpointStartsAnew) {
  const TempFolder folder;
  const PretrainResult whole = train(folder.path() / "whole", small_settings());
  RunFolder::create(folder.path() / "killed", small_settings(), "test", false);
  EXPECT_EQ(losses_of(train(folder.path() / "killed", small_settings(), true)), losses_of(whole));
}

TEST(Pretrain, ResumingWithOtherSettingsIsAnErrorThatListsThem) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.train.epochs = 1;
  train(folder.path() / "a", settings);
  settings.loss.temperature = 0.1;
  settings.optim.lr = 0.5;
  settings.train.epochs = 2;
  const std::string before = last_checkpoint(folder.path() / "a");
  expect_error(ExitCode::kUsage,
               "\n  loss.temperature: 0.5 there, 0.1 now\n  optim.lr: 0.001 there, 0.5 now",
               [&] { train(folder.path() / "a", settings, true); });
  EXPECT_EQ(last_checkpoint(folder.path() / "a"), before);
}

TEST(Pretrain, EpochsWorkersAndThreadsMayChangeOnResume) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.train.epochs = 1;
  train(folder.path() / "a", settings);
  settings.train.epochs = 2;
  settings.run.workers = 0;
  settings.run.threads = 2;
  EXPECT_EQ(train(folder.path() / "a", settings, true).epochs.size(), 2U);
  EXPECT_EQ(RunFolder::open(folder.path() / "a").settings().train.epochs, 2);
}

TEST(Pretrain, ADivergingRunStopsWithTheStepAndKeepsItsCheckpoint) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.optim.optimizer = OptimizerKind::kSgd;
  settings.optim.lr = 1e30;
  settings.optim.warmup_epochs = 1e6;  // the rate of a step is then about 1e24 / 7 x the step
  settings.model.head = Head::kMlp;
  expect_error(ExitCode::kDiverged, "at step 2 (epoch 1, rate ",
               [&] { train(folder.path() / "a", settings); });
  EXPECT_FALSE(fs::exists(folder.path() / "a/checkpoints/last.safetensors"));
}

TEST(Pretrain, PatienceStopsEarlyAtTheBestEpochPlusPatience) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.train.epochs = 30;
  settings.train.patience = 1;
  settings.optim.optimizer = OptimizerKind::kSgd;
  settings.optim.lr = 1e-12;  // nothing is learned, so an epoch without a better loss comes soon
  settings.optim.momentum = 0.0;
  const PretrainResult result = train(folder.path() / "a", settings);
  EXPECT_LT(result.epochs.size(), 30U);
  EXPECT_EQ(static_cast<std::int64_t>(result.epochs.size()), result.best_epoch + 1);
}

TEST(Pretrain, SupervisedTrainsTheSameNetworkWithLabels) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.train.objective = Objective::kSupervised;
  const PretrainResult result = train(folder.path() / "a", settings);
  EXPECT_EQ(result.epochs.back().objective, "supervised");
  EXPECT_LT(result.epochs.back().train_loss, result.epochs.front().train_loss);
  const SafetensorsFile file =
      SafetensorsFile::read(folder.path() / "a/checkpoints/last.safetensors");
  EXPECT_EQ(file.tensors().at("model.head.weight").shape, (std::vector<std::int64_t>{10, 128}));
}

TEST(Pretrain, ABatchLargerThanTheTrainingImagesIsAnErrorBeforeAnythingIsWritten) {
  const TempFolder folder;
  Settings settings = small_settings();
  settings.train.batch_size = 113;
  expect_error(ExitCode::kUsage, "--batch-size 113 is more than the 110 training images",
               [&] { train(folder.path() / "a", settings); });
  EXPECT_FALSE(fs::exists(folder.path() / "a"));
}

/// Counts training steps by the epoch they were told under.
class StepCounter final : public EventSink {
 public:
  void message(std::string_view) override {}
  void progress(std::string_view task, std::int64_t, std::int64_t, std::string_view) override {
    ++steps[std::string(task)];
  }
  std::map<std::string, int> steps;
};

TEST(Pretrain, EveryEpochTakesAllItsStepsAndAllValidationImages) {
  const TempFolder folder;
  StepCounter counter;
  pretrain({.settings = small_settings(), .out = folder.path() / "a", .command = "test"}, counter);
  const std::map<std::string, int> expected{{"Epoch 1/3", 6}, {"Epoch 1/3, validation", 2},
                                            {"Epoch 2/3", 6}, {"Epoch 2/3, validation", 2},
                                            {"Epoch 3/3", 6}, {"Epoch 3/3, validation", 2}};
  EXPECT_EQ(counter.steps, expected);
}

TEST(Pretrain, MetricsHaveOneRowAnEpochAndTheStepsOfWholeBatches) {
  const TempFolder folder;
  train(folder.path() / "a", small_settings());
  const std::vector<EpochMetrics> rows = read_metrics(folder.path() / "a");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[2].step, 3 * 6);
  EXPECT_GT(rows[2].views_per_second, 0.0);
}

}  // namespace
}  // namespace simclr
