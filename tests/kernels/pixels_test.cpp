#include "simclr/kernels/pixels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "simclr/core/random.h"
#include "tests/augment/golden.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

constexpr float kRounding = 1e-6F;  // a few operations in f32 on values in [0, 1]

using Operation = std::function<void(const Planes&, float)>;

std::vector<float> random_pixels(std::size_t pixels, std::uint32_t sample) {
  Random random(RandomKey{.seed = 11, .sample = sample});
  std::vector<float> rgb(pixels * 3);
  for (float& value : rgb) value = random.uniform();
  return rgb;
}

/// `operation` on f32 [n, 3], by way of planes.
template <class Change>
std::vector<float> through_planes(std::vector<float> rgb, Change&& change) {
  const std::size_t n = rgb.size() / 3;
  const std::size_t stride = padded(n);
  std::vector<float> memory(3 * stride);
  for (std::size_t i = 0; i < rgb.size(); ++i) memory[i % 3 * stride + i / 3] = rgb[i];
  change(Planes{memory.data(), n, stride});
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = memory[i % 3 * stride + i / 3];
  return rgb;
}

std::vector<float> changed(const Operation& operation, const std::vector<float>& rgb,
                           float factor) {
  return through_planes(rgb, [&](const Planes& planes) { operation(planes, factor); });
}

std::vector<float> greyed(const std::vector<float>& rgb) {
  return through_planes(rgb, [](const Planes& planes) { to_greyscale(planes); });
}

std::vector<float> normalized(std::vector<float> rgb, std::array<float, 3> mean,
                              std::array<float, 3> deviation) {
  std::vector<float> result(rgb.size());
  through_planes(std::move(rgb), [&](const Planes& planes) {
    interleave_normalized(planes, mean, deviation, result.data());
  });
  return result;
}

float grey_of(std::span<const float> pixel) {
  return 0.2989F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2];
}

/// Hue the long way: RGB -> HSV -> RGB by the six cases of the textbook (Smith 1978), in double.
std::array<double, 3> hue_oracle(std::span<const float> pixel, double turns) {
  const double r = pixel[0];
  const double g = pixel[1];
  const double b = pixel[2];
  const double value = std::max({r, g, b});
  const double chroma = value - std::min({r, g, b});
  if (chroma == 0.0) return {r, g, b};
  double hue = value == r   ? (g - b) / chroma
               : value == g ? 2 + (b - r) / chroma
                            : 4 + (r - g) / chroma;
  hue = std::fmod(hue / 6 + turns + 2, 1.0) * 6;
  const double saturation = chroma / value;
  const int sextant = static_cast<int>(hue) % 6;
  const double fraction = hue - std::floor(hue);
  const double p = value * (1 - saturation);
  const double q = value * (1 - saturation * fraction);
  const double t = value * (1 - saturation * (1 - fraction));
  const std::array<std::array<double, 3>, 6> cases{
      {{value, t, p}, {q, value, p}, {p, value, t}, {p, q, value}, {t, p, value}, {value, p, q}}};
  return cases[static_cast<std::size_t>(sextant)];
}

Operation operation_of(const std::string& name) {
  if (name == "brightness") return adjust_brightness;
  if (name == "contrast") return adjust_contrast;
  if (name == "solarize") return solarize;
  return name == "saturation" ? adjust_saturation : adjust_hue;
}

class PixelsGolden : public testing::TestWithParam<std::string> {};

TEST_P(PixelsGolden, AgreesWithTorchvision) {
  const std::string& name = GetParam();
  const Operation operation = operation_of(name);
  const AugmentGolden golden;
  const auto pixels = golden.values<float>("color/pixels");
  const auto factors = golden.values<float>("color/" + name + "/factors");
  const auto expected = golden.values<float>("color/" + name + "/expected");
  ASSERT_GE(factors.size(), 8U);
  float largest = 0.0F;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const float difference =
        largest_difference(changed(operation, pixels, factors[i]),
                           std::span(expected).subspan(i * pixels.size(), pixels.size()));
    EXPECT_LE(difference, kGoldenTolerance) << "factor " << factors[i];
    largest = std::max(largest, difference);
  }
  record_difference(largest);
}

INSTANTIATE_TEST_SUITE_P(Operations, PixelsGolden,
                         testing::Values("brightness", "contrast", "saturation", "hue", "solarize"),
                         [](const auto& test) { return test.param; });

/// Of one operation without a factor.
void expect_golden(const std::vector<float>& result, const std::string& name, float scale = 1.0F) {
  const float difference = largest_difference(result, AugmentGolden().values<float>(name)) / scale;
  EXPECT_LE(difference, kGoldenTolerance) << name;
  record_difference(difference);
}

TEST(FactorlessGolden, GreyscaleAgreesWithTorchvision) {
  expect_golden(greyed(AugmentGolden().values<float>("color/pixels")), "color/greyscale");
}

TEST(FactorlessGolden, NoiseAgreesWithTorch) {
  const AugmentGolden golden;
  const auto given = golden.values<float>("color/noise");
  const auto result = through_planes(golden.values<float>("color/pixels"), [&](const Planes& p) {
    std::vector<float> noise(3 * p.stride);
    for (std::size_t i = 0; i < given.size(); ++i) noise[i % 3 * p.stride + i / 3] = given[i];
    add_clamped(p, noise.data());
  });
  expect_golden(result, "color/noisy");
}

TEST(FactorlessGolden, NormalizeAgreesWithTorchvision) {
  const auto pixels = AugmentGolden().values<float>("color/pixels");
  const auto cifar = normalized(pixels, {0.4914F, 0.4822F, 0.4465F}, {0.2470F, 0.2435F, 0.2616F});
  const auto imagenet = normalized(pixels, {0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F});
  expect_golden(cifar, "color/normalize/1", 1.0F / 0.2435F);  // deviations grow as pixels do
  expect_golden(imagenet, "color/normalize/2", 1.0F / 0.224F);
}

TEST(Pixels, BrightnessScalesAndClamps) {
  const std::vector<float> rgb{0.0F, 0.25F, 0.75F};
  EXPECT_EQ(changed(adjust_brightness, rgb, 2.0F), (std::vector<float>{0.0F, 0.5F, 1.0F}));
  EXPECT_EQ(changed(adjust_brightness, rgb, 0.0F), (std::vector<float>{0.0F, 0.0F, 0.0F}));
}

TEST(Pixels, ContrastZeroLeavesTheMeanGrey) {
  for (std::size_t pixels = 1; pixels <= 9; ++pixels) {
    const auto rgb = random_pixels(pixels, static_cast<std::uint32_t>(pixels));
    float mean = 0.0F;
    for (std::size_t i = 0; i < rgb.size(); i += 3)
      mean += grey_of(std::span(rgb).subspan(i, 3)) / static_cast<float>(pixels);
    for (const float value : changed(adjust_contrast, rgb, 0.0F))
      EXPECT_NEAR(value, mean, kRounding) << pixels << " pixels";
  }
}

TEST(Pixels, ContrastDoesNotDependOnWherePixelsAre) {
  const auto rgb = random_pixels(100, 1);
  std::vector<float> turned = rgb;  // pixels by a rotation of 37
  std::rotate(turned.begin(), turned.begin() + std::ptrdiff_t{37} * 3, turned.end());
  turned = changed(adjust_contrast, turned, 1.7F);
  std::rotate(turned.begin(), turned.end() - std::ptrdiff_t{37} * 3, turned.end());
  EXPECT_LE(largest_difference(turned, changed(adjust_contrast, rgb, 1.7F)), kRounding);
}

TEST(Pixels, SaturationZeroIsGreyscale) {
  const auto rgb = random_pixels(50, 2);
  EXPECT_LE(largest_difference(changed(adjust_saturation, rgb, 0.0F), greyed(rgb)), kRounding);
}

TEST(Pixels, FactorOneChangesNoBit) {
  const auto rgb = random_pixels(50, 3);
  EXPECT_EQ(changed(adjust_brightness, rgb, 1.0F), rgb);
  EXPECT_EQ(changed(adjust_contrast, rgb, 1.0F), rgb);
  EXPECT_EQ(changed(adjust_saturation, rgb, 1.0F), rgb);
}

TEST(Pixels, HueEqualsTheTextbooksSixCases) {
  const auto rgb = random_pixels(500, 4);
  for (const float turns : {-0.5F, -0.31F, -0.1F, 0.0F, 0.07F, 0.25F, 0.5F}) {
    const auto result = changed(adjust_hue, rgb, turns);
    for (std::size_t i = 0; i < rgb.size(); i += 3) {
      const auto expected = hue_oracle(std::span(rgb).subspan(i, 3), static_cast<double>(turns));
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(static_cast<double>(result[i + c]), expected[c], kRounding) << turns;
    }
  }
}

TEST(Pixels, AThirdOfATurnPermutesChannels) {
  const auto rgb = random_pixels(100, 5);
  std::vector<float> expected = rgb;
  for (std::size_t i = 0; i < rgb.size(); i += 3)
    std::rotate(expected.begin() + static_cast<std::ptrdiff_t>(i),
                expected.begin() + static_cast<std::ptrdiff_t>(i) + 2,
                expected.begin() + static_cast<std::ptrdiff_t>(i) + 3);
  EXPECT_LE(largest_difference(changed(adjust_hue, rgb, 1.0F / 3.0F), expected), kRounding);
}

TEST(Pixels, HalfATurnOfRedIsCyanInBothDirections) {
  const std::vector<float> cyan{0.0F, 1.0F, 1.0F};
  for (const float turns : {-0.5F, 0.5F})
    EXPECT_LE(largest_difference(changed(adjust_hue, {1.0F, 0.0F, 0.0F}, turns), cyan), kRounding);
}

TEST(Pixels, HueLeavesGreysAlone) {
  for (const float level : {0.0F, 0.3F, 1.0F}) {
    const std::vector<float> grey(3, level);
    EXPECT_EQ(changed(adjust_hue, grey, 0.3F), grey);
  }
}

TEST(Pixels, NormalizeSubtractsTheMeanAndDividesByTheDeviation) {
  std::vector<float> rgb{0.5F, 0.5F, 0.5F, 1.0F, 0.0F, 0.25F};
  rgb = normalized(rgb, {0.5F, 0.25F, 0.0F}, {0.5F, 0.25F, 2.0F});
  EXPECT_EQ(rgb, (std::vector<float>{0.0F, 1.0F, 0.25F, 1.0F, -1.0F, 0.125F}));
}

TEST(Pixels, SolarizeInvertsFromTheThresholdOn) {
  const auto result = through_planes({0.25F, 0.5F, 1.0F, 0.0F, 0.75F, 0.49F},
                                     [](const Planes& planes) { solarize(planes, 0.5F); });
  EXPECT_EQ(result, (std::vector<float>{0.25F, 0.5F, 0.0F, 0.0F, 0.25F, 0.49F}));
}

TEST(Pixels, AddedNoiseIsClamped) {
  std::vector<float> noise(3 * padded(2), 0.5F);
  noise[padded(2)] = -0.5F;  // green of the first pixel
  const auto result = through_planes({0.25F, 0.25F, 0.75F, 0.0F, 0.5F, 1.0F},
                                     [&](const Planes& p) { add_clamped(p, noise.data()); });
  EXPECT_EQ(result, (std::vector<float>{0.75F, 0.0F, 1.0F, 0.5F, 1.0F, 1.0F}));
}

TEST(Pixels, BytesBecomeTheirShareOf255) {
  for (const std::size_t n : {0U, 1U, 15U, 16U, 17U, 256U}) {
    std::vector<std::uint8_t> bytes(3 * n);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 256);
    const std::size_t stride = padded(n);
    std::vector<float> values(3 * stride);
    bytes_to_planes(bytes.data(), {values.data(), n, stride});
    for (std::size_t i = 0; i < bytes.size(); ++i)
      ASSERT_EQ(values[i % 3 * stride + i / 3], static_cast<float>(bytes[i]) / 255.0F);
  }
}

TEST(Pixels, EveryByteComesBackFromPlanes) {
  for (const std::size_t n : {1U, 16U, 31U, 256U}) {
    std::vector<std::uint8_t> bytes(3 * n);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 256);
    std::vector<float> values(3 * padded(n));
    const Planes planes{values.data(), n, padded(n)};
    bytes_to_planes(bytes.data(), planes);
    std::vector<std::uint8_t> result(bytes.size() + 1, 77);  // the last is not to be written
    planes_to_bytes(planes, result.data());
    bytes.push_back(77);
    EXPECT_EQ(result, bytes);
  }
}

TEST(Pixels, BytesAreTheNearestLevels) {
  const auto byte = [](float value) {
    std::vector<float> planes(3 * kPixelLanes, value);
    std::array<std::uint8_t, 3> bytes{};
    planes_to_bytes({planes.data(), 1, kPixelLanes}, bytes.data());
    return static_cast<int>(bytes[1]);
  };
  EXPECT_EQ(byte(0.0F), 0);
  EXPECT_EQ(byte(1.0F), 255);
  EXPECT_EQ(byte(99.49F / 255.0F), 99);
  EXPECT_EQ(byte(99.51F / 255.0F), 100);
}

/// Everything above at once.
std::vector<float> through_every_operation(std::size_t pixels) {
  std::vector<std::uint8_t> bytes(3 * pixels);
  const auto result = through_planes(random_pixels(pixels, 6), [&](const Planes& planes) {
    planes_to_bytes(planes, bytes.data());
    bytes_to_planes(bytes.data(), planes);
    adjust_hue(planes, 0.3F);
    adjust_brightness(planes, 1.1F);
    adjust_contrast(planes, 0.7F);
    adjust_saturation(planes, 1.7F);
    solarize(planes, 0.8F);
  });
  return normalized(result, {0.1F, 0.2F, 0.3F}, {0.4F, 0.5F, 0.6F});
}

TEST(Pixels, SameBitsOnEveryInstructionSet) {
  for (const std::size_t pixels : {1U, 7U, 1024U, 5000U})
    expect_same_on_every_target([&] { return through_every_operation(pixels); });
}

}  // namespace
}  // namespace simclr
