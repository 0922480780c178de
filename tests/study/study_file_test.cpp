#include "simclr/study/study_file.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/expect_error.h"

namespace simclr {
namespace {

void expect_fault(const std::string& yaml, const std::string& message,
                  const std::string& hint = "") {
  const Error error = expect_error(ExitCode::kUsage, [&] { parse_study_file(yaml, "s.yaml"); });
  EXPECT_TRUE(contains(error.what(), message)) << error.what();
  EXPECT_TRUE(contains(error.hint(), hint)) << error.hint();
}

/// "[0, 1, ...]"
std::string numbers(std::size_t count) {
  std::string list = "[0";
  for (std::size_t i = 1; i < count; ++i) list += ", " + std::to_string(i);
  return list + "]";
}

TEST(StudyFileLimits, AGridOfTooManyCombinationsIsAnErrorBeforeItIsBuilt) {
  const std::string ten = numbers(10);
  const auto grid = [&](const std::string& more) {
    return "sub_studies:\n- name: a\n  grid: {lr: " + ten + ", temperature: " + ten + more + "}";
  };
  EXPECT_EQ(parse_study_file(grid(", model: " + ten), "s.yaml").sub_studies[0].arms.size(), 1000U);
  expect_fault(grid(", model: " + ten + ", head: [none, mlp]"),
               "s.yaml:3: grid: more than 1000 combinations", "every value of the others");
  if (HasFailure()) return;  // it would fill the memory
  std::string all;           // 10^12
  for (const char* key : {"p", "brightness", "contrast", "saturation", "hue"})
    for (const char* pipeline : {"pipeline", "second_pipeline"})
      all += std::string(", augment.") + pipeline + ".jitter." + key + ": " + ten;
  expect_fault(grid(all), "grid: more than 1000 combinations");
}

TEST(StudyFileLimits, ArmsTimesSeedsOfAllSubStudiesHaveAnEnd) {
  const auto study = [](std::size_t seeds) {
    return "seeds: " + numbers(seeds) +
           "\nsub_studies:\n- {name: a, grid: {lr: [1, 2, 3]}}\n"
           "- {name: b, seeds: [0], grid: {lr: [4]}}";
  };
  EXPECT_EQ(parse_study_file(study(333), "s.yaml").sub_studies.size(), 2U);  // 3 * 333 + 1
  expect_fault(study(334), "s.yaml:3: a study may have at most 1000 trials, arms times seeds");
}

TEST(StudyFileLimits, TextsAndListsHaveAnEnd) {
  expect_fault(std::string((1 << 20) + 1, ' '), "s.yaml: larger than a study file can be");
  const auto with_value = [](std::size_t bytes) {
    return "sub_studies: [{name: a, grid: {data.source: [" + std::string(bytes, 'x') + "]}}]";
  };
  EXPECT_EQ(parse_study_file(with_value(4096), "s.yaml").sub_studies[0].arms[0].label.size(),
            4096U);
  expect_fault(with_value(4097), "s.yaml:1: a value is longer than 4096 bytes");
  expect_fault("chosen: " + numbers(1001), "s.yaml:1: chosen must be a list of at most 1000");
}

TEST(StudyFileFaults, WhatIsNoNameOrListSaysSoWithItsLine) {
  expect_fault("title: t\n[a]: b", "s.yaml:2: a key must be a name");
  expect_fault("sub_studies: [{name: a, grid: {[lr]: [1]}}]", "s.yaml:1: a key must be a name");
  expect_fault("sub_studies: [{name: a, arms: [{name: x, set: {{a: b}: 1}}]}]",
               "s.yaml:1: a key must be a name");
  expect_fault("chosen: {a: b}", "s.yaml:1: chosen must be a list");
  expect_fault("chosen: lr", "s.yaml:1: chosen must be a list");
  const std::string study = "sub_studies: [{name: a, grid: {lr: [1, 2]}}]\n";
  expect_fault(study + "claims: {text: t}", "s.yaml:2: claims must be a list");
  EXPECT_TRUE(parse_study_file(study + "claims:\nchosen:", "s.yaml").claims.empty());
}

TEST(StudyFileFaults, ASettingIsSetOnce) {
  expect_fault("sub_studies:\n- name: a\n  grid: {lr: [1, 2],\n         optim.lr: [3]}",
               "s.yaml:4: grid: optim.lr stands twice");
  expect_fault(
      "sub_studies: [{name: a, arms: [{name: x, set: {train.epochs: 1, train: {epochs: 2}}}]}]",
      "s.yaml:1: train.epochs is set twice");
  expect_fault("sub_studies: [{name: a, base: {lr: 1, lr: 1}, grid: {temperature: [1]}}]",
               "s.yaml:1: optim.lr is set twice");
}

TEST(StudyFileFaults, AParameterOfAPipelineIsKnownByName) {
  expect_fault("sub_studies: [{name: a, grid: {augment.pipeline.jitter.hu: [0.1]}}]",
               "s.yaml:1: there is no parameter of a pipeline 'jitter.hu'",
               "Did you mean 'jitter.hue'?");
  const StudyFile file = parse_study_file(
      "sub_studies: [{name: a, grid: {augment.second_pipeline.blur.p: [0, 1]}}]", "s.yaml");
  EXPECT_EQ(file.sub_studies[0].keys[0], "augment.second_pipeline.blur.p");
}

// The report prints what was chosen from the settings of the base: it could not be written.
TEST(StudyFileFaults, WhatIsChosenIsASettingByItself) {
  const std::string study = "\nsub_studies: [{name: a, grid: {lr: [1, 2]}}]";
  expect_fault("chosen: [lr, init]" + study, "s.yaml:1: chosen: init is no setting by itself");
  for (const char* key : {"augment.pipeline.jitter.hue", "augment.second_pipeline.blur.p"})
    expect_fault("chosen: [" + std::string(key) + "]" + study,
                 std::string("chosen: ") + key + " is no setting by itself", "augment.pipeline");
  const StudyFile file = parse_study_file("chosen: [lr, augment.pipeline]" + study, "s.yaml");
  EXPECT_EQ(file.chosen, (std::vector<std::string>{"optim.lr", "augment.pipeline"}));
}

// JSON has no such numbers: the report could not read the plan.
TEST(StudyFileFaults, NumbersAreFinite) {
  for (const char* number : {".inf", "-.inf", ".nan"}) {
    const std::string text(number);
    expect_fault("measure: {batch_size: 8, temperature: " + text + "}",
                 "measure needs batch_size >= 2 and temperature > 0");
    expect_fault(
        "sub_studies: [{name: a, grid: {lr: [1, 2]}}]\n"
        "claims: [{text: t, in: a, figure: knn, rule: rises, within: " +
            text + "}]",
        "s.yaml:2: within must be a number");
  }
}

TEST(StudyFileFaults, AnArmOfAClaimIsTakenAsItIsChecked) {
  expect_fault(
      "sub_studies: [{name: a, arms: [{name: ''}, {name: x}]}]\n"
      "claims: [{text: t, in: a, figure: knn, rule: greater, arms: [~, x]}]",
      "s.yaml:2: there is no arm 'null'");
}

TEST(StudyFileFaults, AliasesThatContainThemselvesEnd) {
  expect_fault("sub_studies: [{name: a, arms: [{name: x, set: &s {train: *s}}]}]",
               "there is no setting 'train.train'");
  const StudyFile file =
      parse_study_file("sub_studies: [{name: a, grid: {data.source: &a [x, [*a]]}}]", "s.yaml");
  EXPECT_EQ(file.sub_studies[0].arms.size(), 2U);
}

}  // namespace
}  // namespace simclr
