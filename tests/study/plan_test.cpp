#include "simclr/study/plan.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "simclr/core/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

StudyPlan plan_of(const std::string& yaml) {
  const StudyFile file = parse_study_file(yaml, "s.yaml");
  return make_plan(file, file.base.resolve());
}

std::vector<std::string> names_of(const StudyPlan& plan) {
  std::vector<std::string> names;
  for (const Trial& trial : plan.trials) names.push_back(trial.name);
  return names;
}

constexpr const char* kTwoGrids = R"(
base: {loss: {temperature: 0.5}, train: {batch_size: 64}}
sub_studies:
  - {name: tau, grid: {temperature: [0.1, 0.5]}}
  - {name: batch, grid: {train.batch_size: [32, 64]}}
)";

TEST(StudyPlan, TrialsOfEqualSettingsAreRunOnceAndShownInEachSubStudy) {
  const StudyPlan plan = plan_of(kTwoGrids);
  EXPECT_EQ(names_of(plan), (std::vector<std::string>{"temperature=0.1", "base", "batch-size=32"}));
  EXPECT_EQ(plan.sub_studies[0].arms[1].trials, plan.sub_studies[1].arms[1].trials);
  EXPECT_EQ(plan.sub_studies[1].arms[1].label, "64");
}

TEST(StudyPlan, AGridHasEveryCombinationTheFirstKeySlowest) {
  const StudyPlan plan = plan_of(
      "sub_studies: [{name: a, grid: {model.head: [none, mlp], loss.temperature: [0.1, 0.2]}}]");
  std::vector<std::string> labels;
  for (const Arm& arm : plan.sub_studies[0].arms) labels.push_back(arm.label);
  EXPECT_EQ(labels, (std::vector<std::string>{"none, 0.1", "none, 0.2", "mlp, 0.1", "mlp, 0.2"}));
}

TEST(StudyPlan, EveryArmHasATrialForEachSeed) {
  const StudyPlan plan = plan_of(R"(
seeds: [3, 5]
sub_studies:
  - {name: a, grid: {temperature: [0.1]}}
  - {name: b, seeds: [3], grid: {temperature: [0.1, 0.2]}}
)");
  EXPECT_EQ(plan.trials.size(), 3U);
  EXPECT_EQ(plan.sub_studies[0].arms[0].trials.size(), 2U);
  EXPECT_EQ(plan.trials[1].settings.train.seed, 5U);
  EXPECT_EQ(plan.sub_studies[1].arms[0].trials,
            std::vector<std::size_t>{plan.sub_studies[0].arms[0].trials[0]});
}

TEST(StudyPlan, SpeedAndSavingDoNotMakeATrialAnother) {
  Settings a;
  Settings b;
  b.run.workers = 7;
  b.run.threads = 3;
  b.save.epochs = 7;
  EXPECT_EQ(trial_identity(a, "random"), trial_identity(b, "random"));
  b.train.epochs += 1;
  EXPECT_NE(trial_identity(a, "random"), trial_identity(b, "random"));
  EXPECT_NE(trial_identity(a, "random"), trial_identity(a, "x.pth"));
}

TEST(StudyPlan, NamesAreFitForFoldersAndDifferWhereSettingsDo) {
  const StudyPlan plan = plan_of(R"(
sub_studies:
  - name: a
    arms:
      - {name: "one", set: {augment.pipeline: [resized_crop: {scale_min: 0.25}, flip, noise]}}
      - {name: "two", set: {augment.pipeline: [resized_crop: {scale_min: 0.35}, flip, noise]}}
)");
  std::set<std::string> names;
  for (const Trial& trial : plan.trials) {
    names.insert(trial.name);
    EXPECT_EQ(trial.name.find_first_of(" /:{}[]"), std::string::npos) << trial.name;
    EXPECT_LT(trial.name.size(), 100U);
  }
  EXPECT_EQ(names.size(), 2U);
}

TEST(StudyPlan, ASourceRunComesBeforeTheArmsThatStartFromIt) {
  const std::string yaml = R"(
source: {train: {objective: supervised, epochs: 3}}
sub_studies: [{name: a, grid: {init: [random, source]}}]
)";
  const StudyPlan plan = plan_of(yaml);
  EXPECT_EQ(names_of(plan), (std::vector<std::string>{"base", "source", "init=source"}));
  ASSERT_TRUE(plan.source);
  EXPECT_EQ(plan.trials[*plan.source].settings.train.objective, Objective::kSupervised);
  EXPECT_EQ(plan.trials[2].init, "source");
}

TEST(StudyPlan, AWeightsFileIsKnownByWhatStandsInIt) {
  const TempFolder folder;
  const auto file_with = [&](const std::string& name, const std::string& content) {
    const std::filesystem::path path = folder.path() / name;
    std::filesystem::create_directories(path.parent_path());
    write_file_atomically(path, content);
    return path.string();
  };
  const StudyFile file = parse_study_file(
      "source: {train: {epochs: 3}}\nsub_studies: [{name: a, grid: {init: [random, source]}}]",
      "s.yaml");
  const auto trial_of = [&](const std::string& path) {
    const StudyPlan plan = make_plan(file, file.base.resolve(), path);
    EXPECT_FALSE(plan.source);
    EXPECT_EQ(plan.trials[1].init, path);
    return plan.trials[1];
  };
  const Trial here = trial_of(file_with("here/w.pth", "weights"));
  const Trial there = trial_of(file_with("there/w.pth", "weights"));
  const Trial other = trial_of(file_with("here/w.pth", "others"));
  EXPECT_EQ(here.name, "init=w.pth");
  EXPECT_EQ(there.name, here.name);
  EXPECT_EQ(there.identity, here.identity);
  EXPECT_NE(other.identity, here.identity);
  const Error error = expect_error(ExitCode::kUsage, [&] { trial_of("none.pth"); });
  EXPECT_TRUE(contains(error.what(), "a, source: init none.pth: no such file")) << error.what();
}

TEST(StudyPlan, TrialsOfOneNameAreToldApart) {
  const TempFolder folder;
  for (const char* name : {"a", "b"}) {
    std::filesystem::create_directory(folder.path() / name);
    write_file_atomically(folder.path() / name / "w.pth", name);
  }
  const std::string where = folder.path().string();
  const StudyPlan plan = plan_of("sub_studies: [{name: a, grid: {init: [" + where + "/a/w.pth, " +
                                 where + "/b/w.pth]}}]");
  ASSERT_EQ(plan.trials.size(), 2U);
  EXPECT_EQ(plan.trials[0].name, "init=w.pth");
  EXPECT_EQ(plan.trials[1].name, "init=w.pth-" + plan.trials[1].identity.substr(0, 8));
}

TEST(StudyPlan, AnotherSourceMakesItsArmsOthers) {
  const auto identity = [](const std::string& epochs) {
    return plan_of("source: {train: {epochs: " + epochs +
                   "}}\nsub_studies: [{name: a, grid: {init: [source]}}]")
        .trials[1]
        .identity;
  };
  EXPECT_NE(identity("3"), identity("4"));
}

TEST(StudyPlan, WritesThePlanForReadersWithoutLibTorch) {
  const auto json = nlohmann::json::parse(to_json(plan_of(kTwoGrids), "simclr study s.yaml"));
  EXPECT_EQ(json["command"], "simclr study s.yaml");
  EXPECT_EQ(json["trials"][0]["results"]["linear"], "linear");
  EXPECT_EQ(json["sub_studies"][1]["arms"][1]["trials"][0], "base");
  EXPECT_EQ(json["sub_studies"][0]["arms"][0]["values"]["loss.temperature"], "0.1");
}

TEST(StudyFile, ErrorsNameFileLineAndTheNearestName) {
  const auto fails = [](const std::string& yaml, const std::string& message,
                        const std::string& hint = "") {
    const Error error = expect_error(ExitCode::kUsage, [&] { plan_of(yaml); });
    EXPECT_TRUE(contains(error.what(), message)) << error.what();
    EXPECT_TRUE(contains(error.hint(), hint)) << error.hint();
  };
  fails("a: [", "s.yaml:");
  fails("sub_study: 1", "s.yaml:1: a study has no 'sub_study'", "Did you mean 'sub_studies'?");
  fails("title: x", "needs a list of sub_studies");
  fails("sub_studies:\n  - {name: a, gird: {}}", "s.yaml:2: a sub-study has no 'gird'", "'grid'");
  fails("sub_studies: [{name: a}]", "needs either grid or arms");
  fails("sub_studies:\n  - name: a\n    grid: {temprature: [1]}", "s.yaml:3: there is no setting",
        "Did you mean 'temperature'?");
  fails("sub_studies: [{name: a, grid: {temperature: 1}}]", "needs a list of values");
  fails("sub_studies: [{name: a, grid: {temperature: [-1]}}]", "a, -1: loss.temperature = '-1'");
  fails("sub_studies: [{name: a, grid: {init: [source]}}]", "the study has no source", "--init");
  fails("seeds: [1, 1]\nsub_studies: []", "different numbers");
  fails("evaluate: [knnn]\nsub_studies: []", "there is no protocol 'knnn'");
  fails("sub_studies: [{name: a, grid: {lr: [1]}}, {name: a, grid: {lr: [1]}}]",
        "two sub-studies are named 'a'");
  fails("seeds: 3\nsub_studies: []", "s.yaml:1: seeds must be a list, as [0, 1, 2]");
}

TEST(StudyFile, AClaimAboutWhatIsNotThereIsAnError) {
  const auto fails = [](const std::string& claim, const std::string& message,
                        const std::string& hint = "") {
    const Error error = expect_error(ExitCode::kUsage, [&] {
      plan_of(
          "evaluate: [knn]\nsub_studies: [{name: a, grid: {lr: [1, 2]}}]\nclaims:\n  - {text: t, " +
          claim + "}");
    });
    EXPECT_TRUE(contains(error.what(), "s.yaml:4: " + message)) << error.what();
    EXPECT_TRUE(contains(error.hint(), hint)) << error.hint();
  };
  fails("in: b, figure: knn, rule: rises", "there is no sub-study 'b'", "There are: a.");
  fails("in: a, figure: knn, rule: rise", "there is no rule 'rise'", "Did you mean 'rises'?");
  fails("in: a, figure: val_los, rule: rises", "there is no figure 'val_los'", "'val_loss'");
  fails("in: a, figure: linear, rule: rises", "'linear' is not among the evaluations", "[knn]");
  fails("in: a, figure: knn, rule: greater", "rule 'greater' needs arms", "Arms of a: 1, 2.");
  fails("in: a, figure: knn, rule: greater, arms: [1, 3]", "there is no arm '3'");
  fails("in: a, figure: knn, rule: same, arms: [1, 2]", "rule 'same' needs within");
  fails("in: a, figure: knn, rule: extremes-worse", "rule 'extremes-worse' needs three arms");
}

TEST(StudyFile, TheStudiesOfConfigsAreSound) {
  const std::filesystem::path configs =
      std::filesystem::path(SIMCLR_GOLDEN_DIR).parent_path().parent_path() / "configs";
  const auto plan = [&](const char* name) {
    const StudyFile file = parse_study_file(read_file(configs / name), name);
    return make_plan(file, file.base.resolve());
  };
  const StudyPlan seed = plan("seed_study.yaml");
  // 6 temperatures, 3 more batch sizes, 2 more heads; the source and 6 arms that start from it.
  EXPECT_EQ(seed.trials.size(), 18U);
  EXPECT_EQ(seed.sub_studies[3].arms.size(), 12U);
  EXPECT_EQ(seed.base.data.train_percent, 0.2);
  EXPECT_EQ(seed.base.train.epochs, 40);
  EXPECT_EQ(seed.claims.size(), 9U);
  const StudyPlan quick = plan("study_quick.yaml");
  EXPECT_EQ(quick.sub_studies.size(), seed.sub_studies.size());
  EXPECT_EQ(plan("study_augment.yaml").trials.size(), 8U);
}

}  // namespace
}  // namespace simclr
