#include <gtest/gtest.h>

#include "simclr/core/files.h"
#include "simclr/formats/metrics.h"
#include "simclr/study/status.h"
#include "simclr/study/study.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using Set = std::set<std::size_t>;

TEST(ParseTrials, NumbersAndRangesFromOne) {
  EXPECT_EQ(parse_trials("3,5-7", 10), (Set{2, 4, 5, 6}));
  EXPECT_EQ(parse_trials("1", 1), Set{0});
  for (const char* bad : {"", "0", "11", "3-2", "a", "1,", "1;2", "-2", "1-"})
    expect_error(ExitCode::kUsage, "is not understood", [&] { parse_trials(bad, 10); });
}

TEST(ParseShard, SharesTakeEveryTrialOnce) {
  Set all;
  std::size_t count = 0;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    const Set part = parse_shard(shard, 10);
    count += part.size();
    all.insert(part.begin(), part.end());
  }
  EXPECT_EQ(count, 10U);
  EXPECT_EQ(all.size(), 10U);
  EXPECT_TRUE(parse_shard("4/4", 2).empty());
  for (const char* bad : {"", "1", "0/2", "3/2", "1/", "1/2x", "a/b"})
    expect_error(ExitCode::kUsage, "is not understood", [&] { parse_shard(bad, 10); });
}

TEST(WithSource, AnArmThatStartsFromTheSourceRunBringsIt) {
  StudyPlan plan;
  for (const char* init : {"random", "random", "source"})
    plan.trials.push_back({.name = "", .settings = {}, .init = init, .identity = ""});
  plan.source = 0;
  EXPECT_EQ(with_source(plan, Set{2}), (Set{0, 2}));
  EXPECT_EQ(with_source(plan, Set{1}), (Set{1}));
  EXPECT_EQ(with_source(plan, std::nullopt), std::nullopt);
}

TEST(SecondsLeft, AreKnownFromTheFirstEpochsOfATrial) {
  const StudyFile file = list_study("temperature", {"0.1", "0.2", "0.5"});
  SettingsBuilder base;
  base.set("train.epochs", "4", "test");
  const StudyPlan plan = make_plan(file, base.resolve());
  const TempFolder temp;
  const StudyFolder folder = StudyFolder::open(temp / "study", plan, "simclr study", false);
  EXPECT_EQ(seconds_left(plan, folder, std::nullopt), std::nullopt);
  std::vector<EpochMetrics> rows(2);
  for (std::size_t i = 0; i < 2; ++i) {
    rows[i].epoch = static_cast<std::int64_t>(i) + 1;
    rows[i].epochs = 4;
    rows[i].epoch_seconds = 10.0;
  }
  std::filesystem::create_directories(folder.run(plan.trials[0]));
  write_metrics(folder.run(plan.trials[0]), rows);
  // Half of the epochs of one trial of three, which are nine tenths of it, took 20 seconds.
  EXPECT_NEAR(seconds_left(plan, folder, std::nullopt).value(), 20.0 * 2.55 / 0.45, 1e-9);
  EXPECT_NEAR(seconds_left(plan, folder, Set{0}).value(), 20.0 * 0.55 / 0.45, 1e-9);
  for (std::size_t i = 2; i < 4; ++i) {
    rows.push_back(rows.back());
    rows[i].epoch = static_cast<std::int64_t>(i) + 1;
  }
  write_metrics(folder.run(plan.trials[0]), rows);
  // Its epochs are over, its evaluations are not.
  EXPECT_NEAR(seconds_left(plan, folder, Set{0}).value(), 40.0 * 0.1 / 0.9, 1e-9);
}

TEST(SecondsLeft, OfATimeBudgetAreKnownBeforeTheFirstEpoch) {
  SettingsBuilder base;
  base.set("train.time_budget", "90s", "test");
  base.set("train.epochs", "1000", "test");
  const StudyPlan plan = make_plan(list_study("temperature", {"0.1", "0.2"}), base.resolve());
  const TempFolder temp;
  const StudyFolder folder = StudyFolder::open(temp / "study", plan, "simclr study", false);
  EXPECT_NEAR(seconds_left(plan, folder, std::nullopt).value(), 2 * 90.0 / 0.9, 1e-9);
  std::vector<EpochMetrics> rows(2);
  for (std::size_t i = 0; i < 2; ++i) {
    rows[i].epoch = static_cast<std::int64_t>(i) + 1;
    rows[i].epochs = 4;  // that fit, as the trial has measured
    rows[i].epoch_seconds = 10.0;
  }
  std::filesystem::create_directories(folder.run(plan.trials[0]));
  write_metrics(folder.run(plan.trials[0]), rows);
  EXPECT_NEAR(seconds_left(plan, folder, Set{0}).value(), 100.0 * 0.55, 1e-9);
  const std::string table = status_table(plan, folder, std::nullopt);
  EXPECT_TRUE(contains(table, "stopped after epoch 2/4")) << table;
}

TEST(RunStudy, LooksAtTheImagesOfEveryTrialBeforeTheFirst) {
  const StudyFile file = parse_study_file(
      "measure: {batch_size: 16}\n"
      "base: {data: {shapes_images: 200}, model: {width: 0.25}, train: {batch_size: 16}}\n"
      "sub_studies: [{name: a, grid: {data.validation_percent: [0.2, 0.05]}}]",
      "s.yaml");
  const StudyPlan plan = make_plan(file, file.base.resolve());
  const TempFolder temp;
  const auto run = [&](const Selection& selected) {
    NullSink silence;
    run_study({.plan = plan, .out = temp / "study", .command = "", .selected = selected}, silence);
  };
  const std::string needs =
      "the common measure needs 16 validation images, and trial " + plan.trials[1].name + " has ";
  expect_error(ExitCode::kUsage, needs, [&] { run(std::nullopt); });
  EXPECT_FALSE(std::filesystem::exists(temp / "study"));
}

TEST(StudyFolder, AFolderThatAnotherProcessIsJustBeginningIsNotInUse) {
  const StudyFile file = list_study("temperature", {"0.1"});
  const StudyPlan plan = make_plan(file, file.base.resolve());
  const TempFolder temp;
  std::filesystem::create_directories(temp / "begun/locks");
  StudyFolder::open(temp / "begun", plan, "simclr study", false);
  EXPECT_TRUE(std::filesystem::exists(temp / "begun/study.json"));
  write_file_atomically(temp / "other.txt", "");
  expect_error(ExitCode::kUsage, "is not a study's folder",
               [&] { StudyFolder::open(temp.path(), plan, "simclr study", false); });
}

}  // namespace
}  // namespace simclr
