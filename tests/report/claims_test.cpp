#include "simclr/report/claims.h"

#include <gtest/gtest.h>

#include "tests/report/sample_study.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

Judgement judged(const StudyRecords& study, const std::string& rule,
                 const std::vector<std::string>& arms = {}, double within = 0.0) {
  return judge(study, {"text", "a", "finetune", rule, arms, within});
}

TEST(Judge, ASlopeOverSeedsDecides) {
  const StudyRecords rising = study_of(
      {{"0.1", {0.40, 0.41, 0.40}}, {"0.2", {0.45, 0.46, 0.45}}, {"0.4", {0.50, 0.51, 0.51}}});
  EXPECT_EQ(judged(rising, "rises").verdict, Verdict::kSupported);
  EXPECT_EQ(judged(rising, "falls").verdict, Verdict::kContradicted);
  EXPECT_TRUE(contains(judged(rising, "rises").figure, "+5.1")) << judged(rising, "rises").figure;
  EXPECT_TRUE(contains(judged(rising, "rises").figure, "n = 3"));
  EXPECT_EQ(judged(rising, "rises").caution, "");
  const StudyRecords noisy = study_of({{"0.1", {0.40, 0.51, 0.45}}, {"0.2", {0.46, 0.42, 0.50}}});
  EXPECT_EQ(judged(noisy, "rises").verdict, Verdict::kNotDistinguishable);
}

TEST(Judge, DifferencesArePairedBySeed) {
  // Seeds differ by much, arms by little but always the same.
  const StudyRecords paired = study_of({{"x", {0.31, 0.512, 0.711}}, {"y", {0.30, 0.500, 0.700}}});
  EXPECT_EQ(judged(paired, "greater", {"x", "y"}).verdict, Verdict::kSupported);
  EXPECT_EQ(judged(paired, "greater", {"y", "x"}).verdict, Verdict::kContradicted);
}

TEST(Judge, SameNeedsTheWholeIntervalWithinTheMargin) {
  const StudyRecords close = study_of({{"x", {0.500, 0.502}}, {"y", {0.501, 0.502}}});
  EXPECT_EQ(judged(close, "same", {"x", "y"}, 0.05).verdict, Verdict::kSupported);
  EXPECT_EQ(judged(close, "same", {"x", "y"}, 0.0005).verdict, Verdict::kNotDistinguishable);
  const StudyRecords far = study_of({{"x", {0.700, 0.702}}, {"y", {0.501, 0.502}}});
  EXPECT_EQ(judged(far, "same", {"x", "y"}, 0.05).verdict, Verdict::kContradicted);
}

TEST(Judge, BothExtremesMustBeWorse) {
  const StudyRecords hill = study_of(
      {{"1", {0.40, 0.41}}, {"2", {0.50, 0.51}}, {"3", {0.50, 0.51}}, {"4", {0.42, 0.43}}});
  EXPECT_EQ(judged(hill, "extremes-worse").verdict, Verdict::kSupported);
  const StudyRecords slope = study_of(
      {{"1", {0.40, 0.41}}, {"2", {0.50, 0.51}}, {"3", {0.50, 0.51}}, {"4", {0.62, 0.63}}});
  EXPECT_EQ(judged(slope, "extremes-worse").verdict, Verdict::kContradicted);
}

TEST(Judge, OneSeedTakesItsSpreadFromArmsWithSeveralAndSaysSo) {
  const StudyRecords study = study_of({{"x", {0.60}}, {"y", {0.50}}, {"z", {0.50, 0.51, 0.505}}});
  const Judgement judgement = judged(study, "greater", {"x", "y"});
  EXPECT_EQ(judgement.verdict, Verdict::kSupported);
  EXPECT_EQ(judgement.caution, "one seed; spread taken from seeds of other arms of this study");
}

TEST(Judge, TheFewestSeedsOfItsIntervalsDecideTheCaution) {
  const StudyRecords hill =
      study_of({{"1", {0.40}}, {"2", {0.50, 0.51}}, {"3", {0.50, 0.51}}, {"4", {0.42, 0.43}}});
  const Judgement judgement = judged(hill, "extremes-worse");
  EXPECT_TRUE(contains(judgement.figure, "n = 1)")) << judgement.figure;
  EXPECT_TRUE(contains(judgement.figure, "n = 2)")) << judgement.figure;
  EXPECT_TRUE(contains(judgement.caution, "one seed")) << judgement.caution;
}

TEST(Judge, OneSeedOfTheCommonMeasureIsMeasuredByTheImagesThatItTook) {
  StudyRecords study = study_of({{"x", {0.5}}, {"y", {0.5}}});
  study.trials[0].measure = MeasureRecord{4.0, 0.55, 0.5};
  study.trials[1].measure = MeasureRecord{4.0, 0.50, 0.5};
  const auto verdict = [&] {
    return judge(study, {"text", "a", "common_top1", "greater", {"x", "y"}, 0.0}).verdict;
  };
  // sqrt(0.25 / 256) = 3.1 points, times sqrt(2) and 1.96: 8.7 points; of 1,792 images 3.3.
  EXPECT_EQ(verdict(), Verdict::kNotDistinguishable);
  for (TrialRecord& trial : study.trials) trial.measure_images = 1792;
  EXPECT_EQ(verdict(), Verdict::kSupported);
}

TEST(Judge, OneSeedAloneIsMeasuredByTheNumberOfTestImages) {
  // sqrt(0.25 / 10000) = 0.5 points, times sqrt(2) and 1.96: 1.39 points.
  const StudyRecords study = study_of({{"x", {0.513}}, {"y", {0.50}}, {"z", {0.52}}});
  EXPECT_EQ(judged(study, "greater", {"x", "y"}).verdict, Verdict::kNotDistinguishable);
  EXPECT_EQ(judged(study, "greater", {"z", "y"}).verdict, Verdict::kSupported);
  EXPECT_TRUE(contains(judged(study, "greater", {"z", "y"}).caution, "test images"));
}

TEST(Judge, WhatWasNotRunIsNotJudged) {
  const StudyRecords study = study_of({{"x", {}}, {"y", {0.5}}});
  EXPECT_EQ(judged(study, "greater", {"x", "y"}).verdict, Verdict::kNotRun);
  EXPECT_EQ(judged(study, "greater", {"x", "none"}).verdict, Verdict::kNotRun);
  EXPECT_EQ(judge(study, {"t", "elsewhere", "finetune", "rises", {}, 0.0}).verdict,
            Verdict::kNotRun);
}

}  // namespace
}  // namespace simclr
