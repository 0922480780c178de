#include "simclr/optim/schedule.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace simclr {
namespace {

constexpr double kTolerance = 1e-15;  // a few roundings of numbers up to 1

OptimSettings with(Schedule schedule, double warmup_epochs) {
  OptimSettings settings;
  settings.lr = 0.4;
  settings.schedule = schedule;
  settings.warmup_epochs = warmup_epochs;
  return settings;
}

/// Of a run whose peak is the rate as it stands.
double rate(const OptimSettings& settings, std::int64_t step, std::int64_t steps_per_epoch,
            std::int64_t total_steps) {
  return learning_rate(settings, settings.lr, step, {steps_per_epoch, total_steps});
}

TEST(LearningRate, StaysWhereItIsWithoutWarmupOrCosine) {
  const OptimSettings settings = with(Schedule::kConstant, 0);
  for (const int step : {0, 1, 99, 100, 1000}) EXPECT_EQ(rate(settings, step, 10, 100), 0.4);
}

TEST(LearningRate, ClimbsInEqualStepsToTheFullRate) {
  const OptimSettings settings = with(Schedule::kConstant, 2);
  for (int step = 0; step < 10; ++step)
    EXPECT_NEAR(rate(settings, step, 5, 100), 0.04 * (step + 1), kTolerance);
  EXPECT_EQ(rate(settings, 9, 5, 100), 0.4);
  EXPECT_EQ(rate(settings, 10, 5, 100), 0.4);
}

TEST(LearningRate, TakesAFractionOfAnEpochAsWarmup) {
  const OptimSettings settings = with(Schedule::kConstant, 0.5);
  EXPECT_NEAR(rate(settings, 0, 8, 100), 0.1, kTolerance);
  EXPECT_NEAR(rate(settings, 3, 8, 100), 0.4, kTolerance);
  EXPECT_NEAR(rate(with(Schedule::kConstant, 0.01), 0, 8, 100), 0.4, kTolerance);
}

TEST(LearningRate, FollowsHalfACosineToZero) {
  const OptimSettings settings = with(Schedule::kCosine, 0);
  EXPECT_NEAR(rate(settings, 0, 10, 120), 0.4, kTolerance);
  EXPECT_NEAR(rate(settings, 40, 10, 120), 0.3, kTolerance);  // cos 60 = 1/2
  EXPECT_NEAR(rate(settings, 60, 10, 120), 0.2, kTolerance);  // cos 90 = 0
  EXPECT_NEAR(rate(settings, 80, 10, 120), 0.1, kTolerance);
  EXPECT_GT(rate(settings, 119, 10, 120), 0.0);
  EXPECT_NEAR(rate(settings, 120, 10, 120), 0.0, kTolerance);
  EXPECT_NEAR(rate(settings, 500, 10, 120), 0.0, kTolerance);
}

TEST(LearningRate, StartsTheCosineWhereWarmupEnds) {
  const OptimSettings settings = with(Schedule::kCosine, 2);
  EXPECT_NEAR(rate(settings, 19, 10, 120), 0.4, kTolerance);
  EXPECT_NEAR(rate(settings, 20, 10, 120), 0.4, kTolerance);
  EXPECT_NEAR(rate(settings, 70, 10, 120), 0.2, kTolerance);
  EXPECT_NEAR(rate(settings, 120, 10, 120), 0.0, kTolerance);
}

TEST(LearningRate, RisesThenFalls) {
  const OptimSettings settings = with(Schedule::kCosine, 1.5);
  for (int step = 1; step < 100; ++step) {
    const double before = rate(settings, step - 1, 10, 100);
    const double now = rate(settings, step, 10, 100);
    if (step == 15) continue;  // the last step of warm-up and the first of the cosine are equal
    EXPECT_EQ(now > before, step < 15) << step;
  }
}

TEST(LearningRate, IsAllWarmupWhenTheRunIsShorter) {
  const OptimSettings settings = with(Schedule::kCosine, 10);
  EXPECT_NEAR(rate(settings, 0, 4, 20), 0.01, kTolerance);
  EXPECT_NEAR(rate(settings, 19, 4, 20), 0.2, kTolerance);
  EXPECT_NEAR(rate(settings, 39, 4, 40), 0.4, kTolerance);
  EXPECT_NEAR(rate(settings, 40, 4, 40), 0.0, kTolerance);
}

OptimSettings with_milestones(double warmup_epochs) {
  OptimSettings settings = with(Schedule::kStep, warmup_epochs);
  settings.milestones = {3, 5};
  settings.step_factor = 0.5;
  return settings;
}

TEST(LearningRate, FallsAtTheFirstStepAfterEachMilestone) {
  const OptimSettings settings = with_milestones(0);
  for (const auto& [step, expected] : std::vector<std::pair<int, double>>{
           {0, 0.4}, {29, 0.4}, {30, 0.2}, {49, 0.2}, {50, 0.1}, {99, 0.1}})
    EXPECT_NEAR(rate(settings, step, 10, 100), expected, kTolerance) << step;
}

TEST(LearningRate, CountsMilestonesFromTheStartOfTheRun) {
  const OptimSettings settings = with_milestones(4);
  EXPECT_NEAR(rate(settings, 39, 10, 100), 0.4, kTolerance);  // warm-up goes to the peak itself
  EXPECT_NEAR(rate(settings, 40, 10, 100), 0.2, kTolerance);
  EXPECT_NEAR(rate(settings, 50, 10, 100), 0.1, kTolerance);
}

TEST(LearningRate, ScalesWithThePeakOnEverySchedule) {
  for (const Schedule schedule : {Schedule::kConstant, Schedule::kCosine, Schedule::kStep}) {
    OptimSettings settings = with(schedule, 2);
    settings.milestones = {6};
    for (const int step : {0, 19, 20, 59, 60, 99})
      EXPECT_NEAR(learning_rate(settings, 3.0, step, {10, 100}),
                  7.5 * rate(settings, step, 10, 100), 8 * kTolerance);
  }
}

TEST(PeakLearningRate, FollowsTheBatchAsAsked) {
  OptimSettings settings;
  settings.lr = 0.3;
  EXPECT_EQ(peak_learning_rate(settings, 4096), 0.3);
  settings.lr_scaling = LrScaling::kLinear;
  EXPECT_NEAR(peak_learning_rate(settings, 4096), 4.8, 16 * kTolerance);  // the paper's ImageNet
  EXPECT_EQ(peak_learning_rate(settings, 256), 0.3);
  EXPECT_NEAR(peak_learning_rate(settings, 64), 0.075, kTolerance);
  settings.lr_scaling = LrScaling::kSqrt;
  EXPECT_NEAR(peak_learning_rate(settings, 4096), 1.2, 4 * kTolerance);
  EXPECT_EQ(peak_learning_rate(settings, 256), 0.3);
  EXPECT_NEAR(peak_learning_rate(settings, 64), 0.15, kTolerance);
}

}  // namespace
}  // namespace simclr
