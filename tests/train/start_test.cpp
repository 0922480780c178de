#include <gtest/gtest.h>

#include <stdexcept>

#include "simclr/core/files.h"
#include "simclr/formats/npy.h"
#include "simclr/train/run_folder.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"
#include "tests/train/small_run.h"

// How a run begins, what it begins from, and with what it goes on.
namespace simclr {
namespace {

namespace fs = std::filesystem;

Settings one_epoch() {
  Settings settings = tiny_settings();
  settings.train.epochs = 1;
  return settings;
}

PretrainResult train_from(const fs::path& init, const fs::path& out, const Settings& settings,
                          EventSink& sink, bool resume = false) {
  return pretrain(
      {.settings = settings, .out = out, .command = "test", .resume = resume, .init = init}, sink);
}

/// The checkpoint of a run with weights of its own, to start others from.
fs::path weights_of_seed(const fs::path& out, std::uint64_t seed) {
  Settings settings = one_epoch();
  settings.train.seed = seed;
  NullSink silent;
  train_run(out, settings, silent);
  return out / "checkpoints/last.safetensors";
}

/// Ends a run after its first step without a word, as a kill does.
class DyingSink final : public EventSink {
 public:
  void message(std::string_view /*line*/) override {}
  void progress(std::string_view /*task*/, std::int64_t /*done*/, std::int64_t /*total*/,
                std::string_view /*rate_text*/) override {
    throw std::logic_error("killed");
  }
};

// ---- initial weights ----

/// A run from the weights in source/ that was left alone, whole/, and one that was killed before
/// its first step, run/. @return the file of weights
fs::path train_whole_and_killed(const TempFolder& folder) {
  fs::path init = weights_of_seed(folder / "source", 7);
  NullSink silent;
  train_from(init, folder / "whole", one_epoch(), silent);
  DyingSink dying;
  EXPECT_THROW(train_from(init, folder / "run", one_epoch(), dying), std::logic_error);
  return init;
}

TEST(InitialWeights, AreInACheckpointBeforeTheFirstStep) {
  const TempFolder folder;
  train_whole_and_killed(folder);
  NullSink silent;
  fs::remove_all(folder / "source");
  train_run(folder / "run", one_epoch(), silent, true);
  EXPECT_TRUE(checkpoint_bytes(folder / "run") == checkpoint_bytes(folder / "whole"));
}

TEST(InitialWeights, MustBeNamedAgainWhereThereIsNoCheckpointYet) {
  const TempFolder folder;
  const fs::path init = train_whole_and_killed(folder);
  NullSink silent;
  fs::remove(folder / "run/checkpoints/last.safetensors");
  const Error error =
      expect_error(ExitCode::kUsage, [&] { train_run(folder / "run", one_epoch(), silent, true); });
  EXPECT_TRUE(contains(error.what(), "was to start from " + init.string())) << error.what();
  EXPECT_TRUE(contains(error.hint(), "--init")) << error.hint();
  train_from(init, folder / "run", one_epoch(), silent, true);
  EXPECT_TRUE(checkpoint_bytes(folder / "run") == checkpoint_bytes(folder / "whole"));
}

TEST(InitialWeights, MustBeTheSameWhereARunGoesOn) {
  const TempFolder folder;
  const fs::path init = weights_of_seed(folder / "source", 7);
  const fs::path other = weights_of_seed(folder / "other", 8);
  const fs::path moved = folder / "moved.safetensors";
  fs::copy_file(init, moved);
  NullSink silent;
  train_from(init, folder / "run", one_epoch(), silent);
  train_run(folder / "plain", one_epoch(), silent);
  Settings longer = one_epoch();
  longer.train.epochs = 2;
  expect_error(ExitCode::kUsage, "was started from " + init.string(),
               [&] { train_from(other, folder / "run", longer, silent, true); });
  EXPECT_EQ(train_from(moved, folder / "run", longer, silent, true).epochs.size(), 2U);
  expect_error(ExitCode::kUsage, "was started from random weights, not from " + init.string(),
               [&] { train_from(init, folder / "plain", longer, silent, true); });
}

// ---- what is refused before anything is written ----

TEST(Overwrite, KeepsARunUntilTheNewOneCanBegin) {
  const TempFolder folder;
  const fs::path run = folder / "run";
  const fs::path init = weights_of_seed(folder / "source", 7);
  NullSink silent;
  train_run(run, one_epoch(), silent);
  const std::string before = checkpoint_bytes(run);
  const auto refuses = [&](const std::string& words, const Settings& settings,
                           const fs::path& from) {
    expect_error(ExitCode::kUsage, words, [&] {
      pretrain(
          {.settings = settings, .out = run, .command = "test", .overwrite = true, .init = from},
          silent);
    });
    EXPECT_TRUE(checkpoint_bytes(run) == before) << words;
  };
  refuses("lies in the run that --overwrite replaces", one_epoch(),
          run / "checkpoints/best.safetensors");
  Settings wide = one_epoch();
  wide.model.width = 0.5;
  refuses("; the model is", wide, init);
  Settings narrow = one_epoch();
  narrow.run.precision = Precision::kBf16;
  narrow.model.engine = EngineKind::kNative;
  refuses("the native engine computes in f32", narrow, "");
  Settings lone = one_epoch();
  lone.train.batch_size = 1;
  refuses("--batch-size 1 leaves nothing", lone, "");
  pretrain(
      {.settings = one_epoch(), .out = run, .command = "test", .overwrite = true, .init = init},
      silent);
  EXPECT_FALSE(checkpoint_bytes(run) == before);
}

TEST(Sizes, TooSmallForTheNetworkOrTheLossAreErrorsBeforeAnythingIsWritten) {
  const TempFolder folder;
  NullSink silent;
  const auto refuses = [&](const std::string& words, const Settings& settings) {
    expect_error(ExitCode::kUsage, words, [&] { train_run(folder / "a", settings, silent); });
    EXPECT_FALSE(fs::exists(folder / "a")) << words;
  };
  Settings settings = one_epoch();
  settings.data.image_size = 7;
  refuses("views of 7 x 7 pixels are too small", settings);
  settings = one_epoch();
  settings.train.batch_size = 1;
  refuses("--batch-size 1 leaves nothing that a view is told apart from", settings);
  settings.train.objective = Objective::kSupervised;
  refuses("--batch-size 1 shows the network one view at once", settings);
  settings = one_epoch();
  settings.model.bn = NormViews::kPerView;
  settings.train.micro_batch = 1;
  refuses("--micro-batch 1 shows the network one view at once", settings);
}

TEST(Sizes, TheSmallestThatAreTakenTrain) {
  const TempFolder folder;
  NullSink silent;
  Settings settings = one_epoch();
  settings.data.image_size = 8;
  settings.train.batch_size = 2;
  settings.train.micro_batch = 1;
  EXPECT_EQ(train_run(folder / "a", settings, silent).epochs.size(), 1U);
}

// ---- what may change ----

TEST(Resume, NoticesSettingsThatWereEditedInTheFile) {
  const TempFolder folder;
  NullSink silent;
  train_run(folder / "a", one_epoch(), silent);
  Settings edited = tiny_settings();
  edited.optim.lr = 0.5;
  RunFolder::open(folder / "a").write_settings(edited);
  expect_error(ExitCode::kUsage, "\n  optim.lr: 0.001 there, 0.5 now",
               [&] { train_run(folder / "a", edited, silent, true); });
}

TEST(Resume, TakesDataThatHaveMovedIfTheFileSaysWhereTo) {
  const TempFolder folder;
  constexpr std::size_t kImages = 60;
  constexpr std::size_t kSide = 16;
  std::string pixels(kImages * kSide * kSide * 3, '\0');
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(i * 7 % 127);
  write_file_atomically(folder / "here.npy", npy_header("u1", {kImages, kSide, kSide, 3}) + pixels);
  Settings settings = one_epoch();
  settings.data.source = (folder / "here.npy").string();
  NullSink silent;
  train_run(folder / "a", settings, silent);
  fs::rename(folder / "here.npy", folder / "there.npy");
  settings.data.source = (folder / "there.npy").string();
  settings.train.epochs = 2;
  RunFolder::open(folder / "a").write_settings(settings);
  EXPECT_EQ(train_run(folder / "a", settings, silent, true).epochs.size(), 2U);
}

TEST(Resume, WithFewerEpochsThanWereBegunIsAnError) {
  const TempFolder folder;
  NullSink silent;
  Settings settings = tiny_settings();
  settings.train.epochs = 2;
  train_run(folder / "whole", settings, silent);
  PretrainOptions options{.settings = settings, .out = folder / "cut", .command = "test"};
  options.stop = [left = 8 + 1]() mutable { return --left == 0; };  // one step into the second
  ASSERT_TRUE(pretrain(options, silent).interrupted);
  settings.train.epochs = 1;
  for (const char* run : {"whole", "cut"}) {
    expect_error(ExitCode::kUsage, "--epochs 1 is fewer than the 2 that",
                 [&] { train_run(folder / run, settings, silent, true); });
    EXPECT_EQ(RunFolder::open(folder / run).settings().train.epochs, 2) << run;
  }
}

}  // namespace
}  // namespace simclr
