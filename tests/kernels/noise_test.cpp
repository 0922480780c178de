#include "simclr/kernels/noise.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "simclr/core/random.h"

namespace simclr {
namespace {

constexpr float kSigma = 0.25F;
// Sums and products of numbers below 6 in f32, and a root that doubles a relative error near 0.
constexpr double kRounding = 2e-6;

std::vector<float> noise_of(std::uint64_t key, std::size_t n, std::size_t stride) {
  std::vector<float> values(3 * stride);
  normal_noise(key, kSigma, {values.data(), n, stride});
  return values;
}

/// Value i of channel c as the header defines it, in double.
double oracle(std::uint64_t key, std::uint32_t c, std::size_t i) {
  const auto block = static_cast<std::uint32_t>(i / 64 * 16 + i % 16);
  const std::size_t number = i / 16 % 4;
  const auto words =
      philox4x32({block, c, 0, static_cast<std::uint32_t>(Purpose::kNoise) << 16},
                 {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
  const std::size_t pair = number / 2 * 2;
  const double share = 1.0 - (words[pair] >> 8) * 0x1p-24;
  const double angle = 2.0 * std::numbers::pi * ((words[pair + 1] >> 8) * 0x1p-24);
  const double radius = std::sqrt(-2.0 * std::log(share));
  return radius * (number % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

TEST(NormalNoise, EqualsItsDefinition) {
  double largest = 0.0;
  for (const std::uint64_t key : {0ULL, 1ULL, 0x0123456789ABCDEFULL}) {
    const std::size_t n = 40'000;
    const auto values = noise_of(key, n, padded(n));
    for (std::uint32_t c = 0; c < 3; ++c) {
      for (std::size_t i = 0; i < n; ++i) {
        const double value = static_cast<double>(values[c * padded(n) + i] / kSigma);
        largest = std::max(largest, std::abs(value - oracle(key, c, i)));
      }
    }
  }
  RecordProperty("difference_in_billionths", static_cast<int>(largest * 1e9));
  EXPECT_LE(largest, kRounding);
}

TEST(NormalNoise, StaysBelowSixDeviations) {
  const std::size_t n = 1 << 20;
  for (const float value : noise_of(3, n, n)) ASSERT_LE(std::abs(value), 6.0F * kSigma);
}

TEST(NormalNoise, DoesNotDependOnHowMuchIsMade) {
  const auto all = noise_of(5, 200, padded(200));
  for (const std::size_t n : {1U, 15U, 16U, 17U, 63U, 65U, 129U}) {
    const auto some = noise_of(5, n, padded(n) + kPixelLanes);
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t i = 0; i < n; ++i)
        ASSERT_EQ(some[c * (padded(n) + kPixelLanes) + i], all[c * padded(200) + i]) << n;
  }
}

TEST(NormalNoise, SameBitsOnEveryInstructionSet) {
  const std::int64_t all = hwy::SupportedTargets();
  hwy::SetSupportedTargetsForTest(0);
  const auto expected = noise_of(9, 5000, padded(5000));
  for (std::int64_t rest = all; rest != 0; rest &= rest - 1) {
    hwy::SetSupportedTargetsForTest(rest & -rest);
    EXPECT_EQ(noise_of(9, 5000, padded(5000)), expected) << hwy::TargetName(rest & -rest);
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace
}  // namespace simclr
