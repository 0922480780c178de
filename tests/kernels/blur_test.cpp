#include "simclr/kernels/blur.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/augment/golden.h"
#include "tests/kernels/planes.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

constexpr float kRounding = 2e-6F;  // dozens of products of f32, added up twice

std::vector<float> blurred(const std::vector<float>& rgb, int side, int kernel, float sigma) {
  PlanesOf planes(rgb);
  std::vector<float> scratch;
  gaussian_blur(planes.planes(), side, kernel, sigma, scratch);
  return planes.rgb();
}

/// ... 2 1 0 1 2 ... side-2 side-1 side-2 ...
int reflected(int position, int side) {
  if (position < 0) return -position;
  return position >= side ? 2 * side - 2 - position : position;
}

/// The whole kernel at once, in double.
std::vector<float> blur_oracle(const std::vector<float>& rgb, int side, int kernel, double sigma) {
  const int half = kernel / 2;
  std::vector<float> result(rgb.size());
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      for (int c = 0; c < 3; ++c) {
        double sum = 0.0;
        double total = 0.0;
        for (int i = -half; i <= half; ++i)
          for (int j = -half; j <= half; ++j) {
            const double weight = std::exp(-0.5 * (i * i + j * j) / (sigma * sigma));
            const int from = reflected(y + i, side) * side + reflected(x + j, side);
            sum += weight * static_cast<double>(rgb[static_cast<std::size_t>(3 * from + c)]);
            total += weight;
          }
        result[static_cast<std::size_t>(3 * (y * side + x) + c)] = static_cast<float>(sum / total);
      }
  return result;
}

TEST(BlurGolden, AgreesWithTorchvision) {
  const AugmentGolden golden;
  const auto sides = golden.values<std::int64_t>("blur/sides");
  const auto kernels = golden.values<std::int64_t>("blur/kernels");
  const auto sigmas = golden.values<float>("blur/sigmas");
  const auto expected = golden.values<float>("blur/expected");
  float largest = 0.0F;
  std::size_t at = 0;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const auto image = golden.values<float>("blur/image" + std::to_string(sides[i]));
    const auto result =
        blurred(image, static_cast<int>(sides[i]), static_cast<int>(kernels[i]), sigmas[i]);
    const float difference =
        largest_difference(result, std::span(expected).subspan(at, result.size()));
    EXPECT_LE(difference, kGoldenTolerance)
        << "side " << sides[i] << ", kernel " << kernels[i] << ", sigma " << sigmas[i];
    largest = std::max(largest, difference);
    at += result.size();
  }
  EXPECT_EQ(at, expected.size());
  EXPECT_GE(sides.size(), 24U);
  record_difference(largest);
}

TEST(Blur, EqualsTheDefinitionForEveryKernelThatFits) {
  for (const int side : {1, 2, 3, 11})
    for (int kernel = 1; kernel / 2 < side; kernel += 2)
      for (const float sigma : {0.1F, 0.7F, 2.0F, 50.0F}) {
        const auto rgb = random_values(side, static_cast<std::uint32_t>(side));
        EXPECT_LE(largest_difference(blurred(rgb, side, kernel, sigma),
                                     blur_oracle(rgb, side, kernel, static_cast<double>(sigma))),
                  kRounding)
            << "side " << side << ", kernel " << kernel << ", sigma " << sigma;
      }
}

TEST(Blur, KernelMayBeLargerThanThePicture) {
  const auto rgb = random_values(5);
  const auto result = blurred(rgb, 5, 9, 2.0F);  // as wide as reflection goes
  EXPECT_LE(largest_difference(result, blur_oracle(rgb, 5, 9, 2.0)), kRounding);
}

TEST(Blur, OneValueInAllPlacesStays) {
  for (const float level : {0.0F, 0.4F, 1.0F})
    for (const float value : blurred(std::vector<float>(20 * 20 * 3, level), 20, 23, 1.5F))
      ASSERT_NEAR(value, level, kRounding);
}

TEST(Blur, APointBecomesTheKernel) {
  constexpr int kSide = 15;
  std::vector<float> rgb(kSide * kSide * 3);
  rgb[3 * (7 * kSide + 7) + 1] = 1.0F;  // green, in the middle
  const auto result = blurred(rgb, kSide, 7, 1.3F);
  double total = 0.0;
  for (int i = -3; i <= 3; ++i) total += std::exp(-0.5 * i * i / (1.3 * 1.3));
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      const bool inside = std::abs(y - 7) <= 3 && std::abs(x - 7) <= 3;
      const double square = (y - 7) * (y - 7) + (x - 7) * (x - 7);
      const double expected = inside ? std::exp(-0.5 * square / (1.3 * 1.3)) / total / total : 0.0;
      const auto at = static_cast<std::size_t>(3 * (y * kSide + x));
      EXPECT_NEAR(static_cast<double>(result[at + 1]), expected, static_cast<double>(kRounding));
      EXPECT_EQ(result[at], 0.0F);
      EXPECT_EQ(result[at + 2], 0.0F);
    }
}

TEST(Blur, ATinySigmaChangesNothing) {
  const auto rgb = random_values(12);
  for (const float sigma : {1e-30F, 1e-3F, 0.1F}) EXPECT_EQ(blurred(rgb, 12, 5, sigma), rgb);
}

TEST(Blur, SwappingRowsAndColumnsSwapsThemInTheResult) {
  constexpr int kSide = 13;
  const auto swapped = [](const std::vector<float>& rgb) {
    std::vector<float> result(rgb.size());
    for (std::size_t i = 0; i < rgb.size(); ++i) {
      const std::size_t y = i / 3 / kSide;
      const std::size_t x = i / 3 % kSide;
      result[3 * (x * kSide + y) + i % 3] = rgb[i];
    }
    return result;
  };
  const auto rgb = random_values(kSide);
  const auto result = swapped(blurred(swapped(rgb), kSide, 9, 1.7F));
  EXPECT_LE(largest_difference(result, blurred(rgb, kSide, 9, 1.7F)), kRounding);
}

TEST(Blur, MemoryOfAnEarlierCallDoesNotShow) {
  std::vector<float> scratch;
  for (const int side : {5, 32, 17}) {
    const auto rgb = random_values(side);
    PlanesOf planes(rgb);
    gaussian_blur(planes.planes(), side, 9, 1.0F, scratch);
    EXPECT_EQ(planes.rgb(), blurred(rgb, side, 9, 1.0F));
  }
}

TEST(Blur, SameBitsOnEveryInstructionSet) {
  for (const int side : {1, 5, 16, 33})
    for (const int kernel : {1, 3, 9, 23}) {
      if (kernel / 2 >= side) continue;
      const auto rgb = random_values(side);
      expect_same_on_every_target([&] { return blurred(rgb, side, kernel, 1.1F); });
    }
}

}  // namespace
}  // namespace simclr
