#include "simclr/study/study_folder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "simclr/core/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOneArm = "sub_studies: [{name: a, grid: {temperature: [0.1]}}]\n";

StudyPlan plan_of(const std::string& yaml, const std::string& weights = "") {
  const StudyFile file = parse_study_file(yaml, "s.yaml");
  return make_plan(file, file.base.resolve(), weights);
}

class Study : public testing::Test {
 protected:
  StudyFolder open(const StudyPlan& plan) {
    return StudyFolder::open(temp_ / "study", plan, "simclr study s.yaml", false);
  }
  void expect_other_study(const StudyPlan& plan, const std::string& difference) {
    const std::string before = read_file(temp_ / "study/study.json");
    const Error error = expect_error(ExitCode::kUsage, [&] { open(plan); });
    EXPECT_TRUE(contains(error.what(), "holds a study with other settings:")) << error.what();
    EXPECT_TRUE(contains(error.what(), difference)) << error.what();
    EXPECT_TRUE(contains(error.hint(), "Choose another --out")) << error.hint();
    EXPECT_TRUE(contains(error.hint(), "--overwrite")) << error.hint();
    expect_error(ExitCode::kUsage, difference, [&] { StudyFolder::look(temp_ / "study", plan); });
    EXPECT_EQ(read_file(temp_ / "study/study.json"), before);
  }

  TempFolder temp_;
};

TEST_F(Study, MayGrowByArmsSeedsSubStudiesAndProtocols) {
  open(plan_of(std::string("evaluate: [knn]\n") + kOneArm));
  open(
      plan_of("evaluate: [knn, linear]\nseeds: [0, 1]\nsub_studies:\n"
              "- {name: a, grid: {temperature: [0.1, 0.2]}}\n- {name: b, grid: {lr: [1]}}"));
  open(plan_of(std::string("evaluate: [knn]\n") + kOneArm));
}

TEST_F(Study, OfAnotherCommonMeasureIsAnother) {
  open(plan_of(std::string("measure: {batch_size: 16, temperature: 0.5}\n") + kOneArm));
  expect_other_study(
      plan_of(std::string("measure: {batch_size: 16, temperature: 0.1}\n") + kOneArm),
      "\n  measure.temperature: 0.5 there, 0.1 now");
  expect_other_study(plan_of(std::string("measure: {batch_size: 8, temperature: 0.5}\n") + kOneArm),
                     "\n  measure.batch_size: 16 there, 8 now");
}

TEST_F(Study, WhoseTrialsBeginFromAnotherSourceIsAnother) {
  const auto yaml = [](int epochs) {
    return fmt::format("source: {{train: {{epochs: {}}}}}\n", epochs) +
           "sub_studies: [{name: a, grid: {init: [random, source]}}]";
  };
  open(plan_of(yaml(3)));
  expect_other_study(plan_of(yaml(4)), "\n  trial init=source: other initial weights or settings");
}

TEST_F(Study, WhoseTrialsBeginFromOtherWeightsUnderTheSameNameIsAnother) {
  const fs::path file = temp_ / "w.pth";
  const std::string yaml = "sub_studies: [{name: a, grid: {init: [random, source]}}]";
  write_file_atomically(file, "weights");
  open(plan_of(yaml, file.string()));
  write_file_atomically(file, "others");
  expect_other_study(plan_of(yaml, file.string()), "\n  trial init=w.pth: other initial weights");
}

std::string result_line(const std::string& protocol, const std::string& checkpoint,
                        const std::string& weights, const std::string& test_sha256) {
  return fmt::format(R"({{"protocol":"{}","encoder":"trained","checkpoint":"{}","weights":"{}",)"
                     R"("test_sha256":"{}"}})",
                     protocol, checkpoint, weights, test_sha256);
}

TEST_F(Study, ATrialThatIsDoneCatchesUpOnProtocolsThatAreAdded) {
  const StudyPlan plan = plan_of(std::string("evaluate: [knn, linear]\n") + kOneArm);
  const StudyFolder folder = open(plan);
  const Trial& trial = plan.trials.front();
  const fs::path run = folder.run(trial);
  fs::create_directories(run);
  write_file_atomically(run / "images.json", R"({"test":{"images":60,"sha256":"own"}})");
  folder.write_state(trial, {TrialStage::kDone, "", false, 7.0});
  EXPECT_EQ(folder.state(trial).stage, TrialStage::kWaiting);
  EXPECT_EQ(folder.state(trial).seconds, 7.0);
  append_line(run / "results.jsonl", result_line("knn", "best", "as trained", "own"));
  // Another encoder's scores, or on other images, are not the trial's.
  append_line(run / "results.jsonl", result_line("linear", "last", "as trained", "own"));
  append_line(run / "results.jsonl", result_line("linear", "best", "ema", "own"));
  append_line(run / "results.jsonl", result_line("linear", "w.pth", "as trained", "own"));
  append_line(run / "results.jsonl", result_line("linear", "best", "as trained", "other"));
  EXPECT_EQ(folder.protocols_left(trial), std::vector{Protocol::kLinear});
  EXPECT_EQ(folder.state(trial).stage, TrialStage::kWaiting);
  append_line(run / "results.jsonl", result_line("linear", "best", "as trained", "own"));
  EXPECT_TRUE(folder.protocols_left(trial).empty());
  EXPECT_EQ(folder.state(trial).stage, TrialStage::kDone);
}

TEST_F(Study, TheSourceRunIsDoneWithoutEvaluations) {
  const StudyPlan plan = plan_of(
      "source: {train: {epochs: 3}}\nsub_studies: [{name: a, grid: {init: [random, source]}}]");
  const StudyFolder folder = open(plan);
  const Trial& source = plan.trials[*plan.source];
  folder.write_state(source, {TrialStage::kDone, "", false, 7.0});
  EXPECT_EQ(folder.state(source).stage, TrialStage::kDone);
}

}  // namespace
}  // namespace simclr
