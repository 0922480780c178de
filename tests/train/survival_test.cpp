#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <utility>

#include "simclr/train/checkpoint_folder.h"
#include "simclr/train/run_folder.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"
#include "tests/train/small_run.h"

// A run that is killed, or whose files are damaged, ends with the bits of one that was left alone.
namespace simclr {
namespace {

namespace fs = std::filesystem;

/// Kills its own process, without any clean-up, at the n-th sign of progress: after a training step
/// or a validation batch.
class KillingSink final : public EventSink {
 public:
  explicit KillingSink(int moment) : left_(moment) {}
  void message(std::string_view) override {}
  void progress(std::string_view, std::int64_t, std::int64_t, std::string_view) override {
    if (--left_ == 0) std::raise(SIGKILL);
  }

 private:
  int left_;
};

/// Every monitor, an average, and a checkpoint after every step.
Settings busy_settings() {
  Settings settings = tiny_settings();
  settings.optim.ema_decay = 0.9;
  settings.save.minutes = 1e-9;
  settings.save.keep_every = 2;
  return settings;
}

std::string metrics_but_times(const fs::path& run) {
  std::string text;
  for (EpochMetrics row : read_metrics(run)) {
    for (const auto& [name, value] : measured_columns(row))
      if (name.find("second") == std::string::npos && name.find("share") == std::string::npos)
        text += name + "=" + std::to_string(value) + " ";
  }
  return text;
}

void expect_equal_runs(const fs::path& run, const fs::path& whole, const std::string& what) {
  for (const char* name : {"last", "best"})
    EXPECT_TRUE(checkpoint_bytes(run, name) == checkpoint_bytes(whole, name))
        << what << " " << name;
  EXPECT_EQ(metrics_but_times(run), metrics_but_times(whole)) << what;
}

class SurvivalDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(SurvivalDeathTest, KilledAtFixedMomentsARunEndsWithTheSameBits) {
  // The process that dies is a copy of this one, started anew: the folder's name must be the same.
  const fs::path root = fs::temp_directory_path() / "simclr-survival";
  if (!testing::internal::InDeathTestChild()) fs::remove_all(root);
  NullSink silent;
  if (!testing::internal::InDeathTestChild()) train_run(root / "whole", busy_settings(), silent);
  // Of each epoch's eight signs five are training steps, three validation batches.
  for (const int moment : {1, 5, 6, 8, 12, 23}) {
    const fs::path run = root / std::to_string(moment);
    EXPECT_EXIT(
        {
          KillingSink killing(moment);
          train_run(run, busy_settings(), killing);
        },
        testing::KilledBySignal(SIGKILL), "");
    train_run(run, busy_settings(), silent, true);
    expect_equal_runs(run, root / "whole", std::to_string(moment));
  }
  fs::remove_all(root);
}

TEST(Survival, StoppedInValidationARunEndsWithTheSameBits) {
  const TempFolder folder;
  NullSink silent;
  train_run(folder / "whole", busy_settings(), silent);
  for (const int moment : {6, 8}) {
    const fs::path run = folder / std::to_string(moment);
    PretrainOptions options{.settings = busy_settings(), .out = run, .command = "test"};
    options.stop = [left = moment]() mutable { return --left == 0; };
    EXPECT_TRUE(pretrain(options, silent).interrupted);
    train_run(run, busy_settings(), silent, true);
    expect_equal_runs(run, folder / "whole", std::to_string(moment));
  }
}

/// A whole run, and a copy of it as it was after its second epoch.
struct Pair {
  Pair() {
    NullSink silent;
    train_run(folder / "whole", tiny_settings(), silent);
    Settings two = tiny_settings();
    PretrainOptions options{.settings = two, .out = folder / "run", .command = "test"};
    options.stop = [left = 8 * 2 + 1]() mutable { return --left == 0; };  // one step into the third
    pretrain(options, silent);
  }
  fs::path file(const std::string& name) const {
    return folder / ("run/checkpoints/" + name + ".safetensors");
  }
  /// Goes on, and returns what was said.
  std::string resume() {
    Listener listener;
    train_run(folder / "run", tiny_settings(), listener, true);
    expect_equal_runs(folder / "run", folder / "whole", "");
    return listener.said;
  }
  TempFolder folder;
};

TEST(Survival, ADamagedLastFallsBackToTheOneBeforeAndSaysSo) {
  Pair pair;
  fs::resize_file(pair.file("last"), fs::file_size(pair.file("last")) / 2);
  const std::string said = pair.resume();
  EXPECT_TRUE(contains(said, "Not usable: " + pair.file("last").string())) << said;
  EXPECT_TRUE(contains(said, "Going on from " + pair.file("previous").string())) << said;
  EXPECT_TRUE(contains(said, "Resuming after epoch 2, step 0.")) << said;
  EXPECT_TRUE(fs::exists(pair.file("last").string() + ".damaged"));
}

TEST(Survival, ASingleBitIsDamageToo) {
  Pair pair;
  std::string bytes = read_file(pair.file("last"));
  bytes[bytes.size() - 1000] ^= 1;
  std::ofstream(pair.file("last"), std::ios::binary | std::ios::trunc) << bytes;
  const std::string said = pair.resume();
  EXPECT_TRUE(contains(said, "is not what its SHA-256 says")) << said;
}

TEST(Survival, ADamagedStateIsNoticed) {
  Pair pair;
  std::string bytes = read_file(pair.file("last"));
  const std::string wanted = "\"step_in_epoch\":\"1\"";
  const auto at = bytes.find(wanted);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, wanted.size(), "\"step_in_epoch\":\"2\"");
  std::ofstream(pair.file("last"), std::ios::binary | std::ios::trunc) << bytes;
  EXPECT_TRUE(contains(pair.resume(), "SHA-256"));
}

TEST(Survival, WithoutAnyWholeCheckpointItIsAnErrorAndNothingIsMoved) {
  Pair pair;
  for (const char* name : {"last", "previous", "best"}) fs::resize_file(pair.file(name), 100);
  NullSink silent;
  expect_error(ExitCode::kData, pair.file("last").string(),
               [&] { train_run(pair.folder / "run", tiny_settings(), silent, true); });
  EXPECT_EQ(fs::file_size(pair.file("last")), 100U);
}

TEST(Survival, KilledBetweenTheTwoRenamesTheNewOneIsTaken) {
  Pair pair;
  fs::rename(pair.file("previous"), pair.file("old"));
  fs::rename(pair.file("last"), pair.file("previous"));  // the first rename was done ...
  fs::rename(pair.file("previous"), pair.file("next"));
  fs::rename(pair.file("old"), pair.file("previous"));  // ... the second was not
  EXPECT_TRUE(contains(pair.resume(), "Resuming after epoch 2, step 1."));
  EXPECT_FALSE(fs::exists(pair.file("next")));
}

TEST(Survival, KilledBeforeACheckpointHadItsNamesItGetsThem) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.epochs = 1;
  settings.save.keep_every = 1;
  NullSink silent;
  train_run(folder / "whole", settings, silent);
  const fs::path place = folder / "run/checkpoints";
  for (const bool best_is_named : {false, true}) {
    fs::remove_all(folder / "run");
    RunFolder::create(folder / "run", settings, "test", false);
    fs::copy_file(folder / "whole/checkpoints/last.safetensors", place / "next.safetensors");
    if (best_is_named) fs::create_hard_link(place / "next.safetensors", place / "best.safetensors");
    train_run(folder / "run", settings, silent, true);
    for (const char* name : {"last", "best", "epoch-1"})
      EXPECT_TRUE(checkpoint_bytes(folder / "run", name) == checkpoint_bytes(folder / "whole"))
          << name;
    for (const char* name : {"next.safetensors", "best.safetensors.partial"})
      EXPECT_FALSE(fs::exists(place / name)) << name;
  }
}

TEST(Survival, AHalfWrittenFileIsNeverLookedAt) {
  Pair pair;
  std::ofstream(pair.file("next").string() + ".partial") << "half";
  EXPECT_TRUE(contains(pair.resume(), "Resuming after epoch 2, step 1."));
  EXPECT_FALSE(fs::exists(pair.file("next").string() + ".partial"));
}

TEST(Survival, ADiskThatTakesNoMoreIsAnErrorAndKeepsWhatThereIs) {
  Pair pair;
  const std::string before = read_file(pair.file("last"));
  const RunFolder run = RunFolder::open(pair.folder / "run");
  const CheckpointFolder checkpoints(run);
  const Error error = expect_error(ExitCode::kFailed, [&] {
    checkpoints.save({.last = true, .best = true}, [](const fs::path& path) {
      write_file_atomically(path, [](std::ostream& out) { out.setstate(std::ios::badbit); });
    });
  });
  EXPECT_TRUE(contains(error.hint(), "go on with --resume")) << error.hint();
  EXPECT_EQ(read_file(pair.file("last")), before);
  EXPECT_FALSE(fs::exists(pair.file("next")));
  pair.resume();
}

TEST(Checkpoints, WhatWasWrittenAndNotNamedIsTheNewest) {
  const TempFolder folder;
  const RunFolder run = RunFolder::create(folder / "a", Settings{}, "test", false);
  const CheckpointFolder checkpoints(run);
  EXPECT_TRUE(checkpoints.empty());
  for (const char* name : {"last", "best", "next"})
    write_file_atomically(run.checkpoint(name), std::string(name) == "next" ? "new" : "old");
  EXPECT_FALSE(checkpoints.empty());
  NullSink silent;
  const auto load = [](const fs::path& path) {
    EXPECT_EQ(read_file(path), "new");
    return CheckpointFolder::Names{.best = true, .epoch = 4};
  };
  EXPECT_TRUE(checkpoints.restore(load, silent));
  for (const auto& [name, content] : {std::pair{"last", "new"}, std::pair{"previous", "old"},
                                      std::pair{"best", "new"}, std::pair{"epoch-4", "new"}})
    EXPECT_EQ(read_file(run.checkpoint(name)), content) << name;
  EXPECT_FALSE(fs::exists(run.checkpoint("next")));
}

TEST(Checkpoints, AreWrittenEverySoManyEpochsAndAtTheEnd) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.train.epochs = 5;
  settings.save.epochs = 3;
  settings.save.keep_every = 2;
  Listener listener;
  train_run(folder / "a", settings, listener);
  for (const char* name : {"last", "previous", "best", "epoch-2", "epoch-4"})
    EXPECT_TRUE(fs::exists(folder / ("a/checkpoints/" + std::string(name) + ".safetensors")))
        << name;
  for (const char* name : {"epoch-1", "epoch-3", "epoch-5", "next"})
    EXPECT_FALSE(fs::exists(folder / ("a/checkpoints/" + std::string(name) + ".safetensors")))
        << name;
  settings.save = {};
  NullSink silent;
  train_run(folder / "b", settings, silent);
  const auto tensors = [&](const char* run) {
    const SafetensorsFile file =
        SafetensorsFile::read(folder / (std::string(run) + "/checkpoints/last.safetensors"));
    std::string bytes;
    for (const auto& [name, entry] : file.tensors())
      bytes.append(static_cast<const char*>(entry.data), entry.bytes);
    return bytes;
  };
  EXPECT_TRUE(tensors("a") == tensors("b"));  // saving changes no bit of what is saved
}

TEST(Checkpoints, HowOftenTheyAreWrittenMayChangeOnResume) {
  Pair pair;
  Settings settings = tiny_settings();
  settings.save.epochs = 2;
  settings.save.minutes = 0.0;
  NullSink silent;
  EXPECT_EQ(train_run(pair.folder / "run", settings, silent, true).epochs.size(), 3U);
}

TEST(Resume, WithMoreEpochsSaysWhatThatDoesToTheRate) {
  const TempFolder folder;
  Settings settings = tiny_settings();
  settings.optim.schedule = Schedule::kCosine;
  settings.train.epochs = 2;
  NullSink silent;
  train_run(folder / "a", settings, silent);
  settings.train.epochs = 4;
  Listener listener;
  const PretrainResult result = train_run(folder / "a", settings, listener, true);
  EXPECT_EQ(result.epochs.size(), 4U);
  EXPECT_TRUE(
      contains(listener.said,
               "4 epochs instead of 2: the cosine schedule now ends at epoch 4, so the next "
               "step's rate is 0.0005 instead of 0."))
      << listener.said;
}

}  // namespace
}  // namespace simclr
