#include "simclr/train/run_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#include "simclr/config/schema.h"
#include "simclr/core/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

TEST(RunFolder, HoldsSettingsCommandAndEnvironment) {
  const TempFolder folder;
  Settings settings;
  settings.train.epochs = 7;
  const RunFolder run = RunFolder::create(folder.path() / "a", settings, "simclr pretrain", false);
  EXPECT_EQ(differing_keys(run.settings(), settings), std::vector<std::string>{});
  EXPECT_EQ(read_file(run.path() / "command.txt"), "simclr pretrain\n");
  EXPECT_NE(read_file(run.path() / "environment.json").find("\"libtorch\""), std::string::npos);
  EXPECT_EQ(RunFolder::open(run.path()).settings().train.epochs, 7);
}

TEST(RunFolder, AnExistingFolderIsAnErrorAndKeepsItsFiles) {
  const TempFolder folder;
  const fs::path run = folder.path() / "a";
  RunFolder::create(run, Settings{}, "first", false);
  expect_error(ExitCode::kUsage, "exists",
               [&] { RunFolder::create(run, Settings{}, "second", false); });
  EXPECT_EQ(read_file(run / "command.txt"), "first\n");
}

TEST(RunFolder, OverwriteReplacesARunAndLeavesOtherFilesAlone) {
  const TempFolder folder;
  const fs::path run = folder.path() / "a";
  RunFolder::create(run, Settings{}, "first", false);
  std::ofstream(run / "results.jsonl") << "old\n";
  std::ofstream(run / "my-notes.txt") << "keep\n";
  RunFolder::create(run, Settings{}, "second", true);
  EXPECT_EQ(read_file(run / "command.txt"), "second\n");
  EXPECT_FALSE(fs::exists(run / "results.jsonl"));
  EXPECT_EQ(read_file(run / "my-notes.txt"), "keep\n");
}

TEST(RunFolder, SaysWhatItsWeightsWereAtFirst) {
  const TempFolder folder;
  const RunFolder run = RunFolder::create(folder / "a", Settings{}, "x", false, "a file");
  EXPECT_EQ(run.start().value_or(""), "a file");
  EXPECT_EQ(RunFolder::create(folder / "b", Settings{}, "x", false).start(), std::nullopt);
}

TEST(RunFolder, WhatAKillLeavesBeforeItIsARunIsNoObstacle) {
  const TempFolder folder;
  fs::create_directories(folder / "a/checkpoints");
  std::ofstream(folder / "a/init.txt") << "a file\n";
  std::ofstream(folder / "a/config.yaml.partial") << "data:";
  const RunFolder run = RunFolder::create(folder / "a", Settings{}, "x", false);
  EXPECT_EQ(run.start(), std::nullopt);
  EXPECT_FALSE(fs::exists(folder / "a/config.yaml.partial"));
  fs::create_directories(folder / "b/checkpoints");
  std::ofstream(folder / "b/checkpoints/mine.txt") << "keep\n";
  expect_error(ExitCode::kUsage, "exists",
               [&] { RunFolder::create(folder / "b", Settings{}, "x", false); });
}

TEST(RunFolder, OverwriteRefusesAFolderThatIsNotARun) {
  const TempFolder folder;
  std::ofstream(folder.path() / "thesis.tex") << "years of work\n";
  expect_error(ExitCode::kUsage, "not a run's folder",
               [&] { RunFolder::create(folder.path(), Settings{}, "x", true); });
  EXPECT_EQ(read_file(folder.path() / "thesis.tex"), "years of work\n");
}

TEST(RunFolder, OpeningWhatIsNotARunIsAnError) {
  const TempFolder folder;
  for (const fs::path& path : {folder.path(), folder.path() / "nothing"}) {
    expect_error(ExitCode::kUsage, "is not a run", [&] { RunFolder::open(path); });
  }
}

TEST(LoggingSink, KeepsMessagesInTheRunsLog) {
  const TempFolder folder;
  const RunFolder run = RunFolder::create(folder.path() / "a", Settings{}, "x", false);
  NullSink silent;
  LoggingSink log(run, silent);
  log.message("one");
  log.message("two");
  EXPECT_EQ(read_file(run.path() / "train.log"), "one\ntwo\n");
}

}  // namespace
}  // namespace simclr
