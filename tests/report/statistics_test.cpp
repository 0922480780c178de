#include "simclr/report/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace simclr {
namespace {

TEST(Statistics, MeanAndDeviation) {
  EXPECT_DOUBLE_EQ(mean_of({1, 2, 6}), 3.0);
  EXPECT_DOUBLE_EQ(*deviation_of({1, 2, 6}), std::sqrt(7.0));
  EXPECT_FALSE(deviation_of({1}));
}

TEST(Statistics, StudentsTIsTheTables) {
  EXPECT_DOUBLE_EQ(student_t(1), 12.706);
  EXPECT_DOUBLE_EQ(student_t(2), 4.303);
  EXPECT_DOUBLE_EQ(student_t(30), 2.042);
  EXPECT_NEAR(student_t(60), 2.000, 2e-3);
  EXPECT_NEAR(student_t(0), 1.960, 1e-3);  // known exactly: the normal distribution's
}

TEST(Statistics, AnIntervalOfSeveralSeedsIsStudents) {
  const auto interval = interval_of({1, 2, 3}, std::nullopt, 1.0);
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->value, 2.0);
  EXPECT_NEAR(interval->half, 4.303 / std::sqrt(3.0), 1e-12);
  EXPECT_EQ(interval->seeds, 3U);
  EXPECT_FALSE(interval->above(0.0));
  EXPECT_TRUE(interval_of({1.0, 1.001, 1.002}, std::nullopt, 1.0)->above(0.0));
}

TEST(Statistics, OneSeedNeedsNoiseFromElsewhere) {
  EXPECT_FALSE(interval_of({1}, std::nullopt, 1.0));
  EXPECT_FALSE(interval_of({}, Noise{1.0, 2.0, ""}, 1.0));
  const auto interval = interval_of({1}, Noise{0.5, 2.0, ""}, 2.0);
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->half, 4.303);
  EXPECT_EQ(interval->seeds, 1U);
}

TEST(Statistics, NoiseIsPooledOverGroupsByTheirDegreesOfFreedom) {
  const auto noise = pooled_noise({{1, 3}, {0, 0, 0}, {7}});
  ASSERT_TRUE(noise);
  EXPECT_DOUBLE_EQ(noise->degrees_of_freedom, 3.0);
  EXPECT_DOUBLE_EQ(noise->deviation, std::sqrt(2.0 / 3.0));
  EXPECT_FALSE(pooled_noise({{1}, {2}}));
}

}  // namespace
}  // namespace simclr
