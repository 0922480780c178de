#include "simclr/optim/schedule.h"

#include <gtest/gtest.h>

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

TEST(LearningRate, StaysWhereItIsWithoutWarmupOrCosine) {
  const OptimSettings settings = with(Schedule::kConstant, 0);
  for (const int step : {0, 1, 99, 100, 1000})
    EXPECT_EQ(learning_rate(settings, step, 10, 100), 0.4);
}

TEST(LearningRate, ClimbsInEqualStepsToTheFullRate) {
  const OptimSettings settings = with(Schedule::kConstant, 2);
  for (int step = 0; step < 10; ++step)
    EXPECT_NEAR(learning_rate(settings, step, 5, 100), 0.04 * (step + 1), kTolerance);
  EXPECT_EQ(learning_rate(settings, 9, 5, 100), 0.4);
  EXPECT_EQ(learning_rate(settings, 10, 5, 100), 0.4);
}

TEST(LearningRate, TakesAFractionOfAnEpochAsWarmup) {
  const OptimSettings settings = with(Schedule::kConstant, 0.5);
  EXPECT_NEAR(learning_rate(settings, 0, 8, 100), 0.1, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 3, 8, 100), 0.4, kTolerance);
  EXPECT_NEAR(learning_rate(with(Schedule::kConstant, 0.01), 0, 8, 100), 0.4, kTolerance);
}

TEST(LearningRate, FollowsHalfACosineToZero) {
  const OptimSettings settings = with(Schedule::kCosine, 0);
  EXPECT_NEAR(learning_rate(settings, 0, 10, 120), 0.4, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 40, 10, 120), 0.3, kTolerance);  // cos 60 = 1/2
  EXPECT_NEAR(learning_rate(settings, 60, 10, 120), 0.2, kTolerance);  // cos 90 = 0
  EXPECT_NEAR(learning_rate(settings, 80, 10, 120), 0.1, kTolerance);
  EXPECT_GT(learning_rate(settings, 119, 10, 120), 0.0);
  EXPECT_NEAR(learning_rate(settings, 120, 10, 120), 0.0, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 500, 10, 120), 0.0, kTolerance);
}

TEST(LearningRate, StartsTheCosineWhereWarmupEnds) {
  const OptimSettings settings = with(Schedule::kCosine, 2);
  EXPECT_NEAR(learning_rate(settings, 19, 10, 120), 0.4, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 20, 10, 120), 0.4, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 70, 10, 120), 0.2, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 120, 10, 120), 0.0, kTolerance);
}

TEST(LearningRate, RisesThenFalls) {
  const OptimSettings settings = with(Schedule::kCosine, 1.5);
  for (int step = 1; step < 100; ++step) {
    const double before = learning_rate(settings, step - 1, 10, 100);
    const double now = learning_rate(settings, step, 10, 100);
    if (step == 15) continue;  // the last step of warm-up and the first of the cosine are equal
    EXPECT_EQ(now > before, step < 15) << step;
  }
}

TEST(LearningRate, IsAllWarmupWhenTheRunIsShorter) {
  const OptimSettings settings = with(Schedule::kCosine, 10);
  EXPECT_NEAR(learning_rate(settings, 0, 4, 20), 0.01, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 19, 4, 20), 0.2, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 39, 4, 40), 0.4, kTolerance);
  EXPECT_NEAR(learning_rate(settings, 40, 4, 40), 0.0, kTolerance);
}

}  // namespace
}  // namespace simclr
