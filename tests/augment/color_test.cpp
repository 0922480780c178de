#include "simclr/augment/color.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "simclr/core/random.h"
#include "tests/augment/golden.h"

namespace simclr {
namespace {

constexpr float kRounding = 1e-6F;  // a few operations in f32 on values in [0, 1]

using Operation = std::function<void(std::span<float>, float)>;

std::vector<float> random_pixels(std::size_t pixels, std::uint32_t sample) {
  Random random(RandomKey{.seed = 11, .sample = sample});
  std::vector<float> rgb(pixels * 3);
  for (float& value : rgb) value = random.uniform();
  return rgb;
}

std::vector<float> changed(const Operation& operation, std::vector<float> rgb, float factor) {
  operation(rgb, factor);
  return rgb;
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
  return name == "saturation" ? adjust_saturation : adjust_hue;
}

class ColorGolden : public testing::TestWithParam<std::string> {};

TEST_P(ColorGolden, AgreesWithTorchvision) {
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

INSTANTIATE_TEST_SUITE_P(Operations, ColorGolden,
                         testing::Values("brightness", "contrast", "saturation", "hue"),
                         [](const auto& test) { return test.param; });

TEST(Color, GreyscaleAgreesWithTorchvision) {
  const AugmentGolden golden;
  auto pixels = golden.values<float>("color/pixels");
  to_greyscale(pixels);
  EXPECT_LE(largest_difference(pixels, golden.values<float>("color/greyscale")), kGoldenTolerance);
}

TEST(Color, BrightnessScalesAndClamps) {
  const std::vector<float> rgb{0.0F, 0.25F, 0.75F};
  EXPECT_EQ(changed(adjust_brightness, rgb, 2.0F), (std::vector<float>{0.0F, 0.5F, 1.0F}));
  EXPECT_EQ(changed(adjust_brightness, rgb, 0.0F), (std::vector<float>{0.0F, 0.0F, 0.0F}));
}

TEST(Color, ContrastZeroLeavesTheMeanGrey) {
  for (std::size_t pixels = 1; pixels <= 9; ++pixels) {
    const auto rgb = random_pixels(pixels, static_cast<std::uint32_t>(pixels));
    float mean = 0.0F;
    for (std::size_t i = 0; i < rgb.size(); i += 3)
      mean += grey_of(std::span(rgb).subspan(i, 3)) / static_cast<float>(pixels);
    for (const float value : changed(adjust_contrast, rgb, 0.0F))
      EXPECT_NEAR(value, mean, kRounding) << pixels << " pixels";
  }
}

TEST(Color, ContrastDoesNotDependOnWherePixelsAre) {
  const auto rgb = random_pixels(100, 1);
  std::vector<float> turned = rgb;  // pixels by a rotation of 37
  std::rotate(turned.begin(), turned.begin() + std::ptrdiff_t{37} * 3, turned.end());
  turned = changed(adjust_contrast, turned, 1.7F);
  std::rotate(turned.begin(), turned.end() - std::ptrdiff_t{37} * 3, turned.end());
  EXPECT_LE(largest_difference(turned, changed(adjust_contrast, rgb, 1.7F)), kRounding);
}

TEST(Color, SaturationZeroIsGreyscale) {
  auto grey = random_pixels(50, 2);
  const auto unsaturated = changed(adjust_saturation, grey, 0.0F);
  to_greyscale(grey);
  EXPECT_LE(largest_difference(unsaturated, grey), kRounding);
}

TEST(Color, FactorOneChangesNoBit) {
  const auto rgb = random_pixels(50, 3);
  EXPECT_EQ(changed(adjust_brightness, rgb, 1.0F), rgb);
  EXPECT_EQ(changed(adjust_contrast, rgb, 1.0F), rgb);
  EXPECT_EQ(changed(adjust_saturation, rgb, 1.0F), rgb);
}

TEST(Color, HueEqualsTheTextbooksSixCases) {
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

TEST(Color, AThirdOfATurnPermutesChannels) {
  const auto rgb = random_pixels(100, 5);
  std::vector<float> expected = rgb;
  for (std::size_t i = 0; i < rgb.size(); i += 3)
    std::rotate(expected.begin() + static_cast<std::ptrdiff_t>(i),
                expected.begin() + static_cast<std::ptrdiff_t>(i) + 2,
                expected.begin() + static_cast<std::ptrdiff_t>(i) + 3);
  EXPECT_LE(largest_difference(changed(adjust_hue, rgb, 1.0F / 3.0F), expected), kRounding);
}

TEST(Color, HalfATurnOfRedIsCyanInBothDirections) {
  const std::vector<float> cyan{0.0F, 1.0F, 1.0F};
  for (const float turns : {-0.5F, 0.5F})
    EXPECT_LE(largest_difference(changed(adjust_hue, {1.0F, 0.0F, 0.0F}, turns), cyan), kRounding);
}

TEST(Color, HueLeavesGreysAlone) {
  for (const float level : {0.0F, 0.3F, 1.0F}) {
    const std::vector<float> grey(3, level);
    EXPECT_EQ(changed(adjust_hue, grey, 0.3F), grey);
  }
}

TEST(Color, NormalizeSubtractsTheMeanAndDividesByTheDeviation) {
  std::vector<float> rgb{0.5F, 0.5F, 0.5F, 1.0F, 0.0F, 0.25F};
  normalize(rgb, std::array{0.5F, 0.25F, 0.0F}, std::array{0.5F, 0.25F, 2.0F});
  EXPECT_EQ(rgb, (std::vector<float>{0.0F, 1.0F, 0.25F, 1.0F, -1.0F, 0.125F}));
}

TEST(Color, NoPixelsAreFine) {
  std::vector<float> none;
  adjust_brightness(none, 2.0F);
  adjust_contrast(none, 2.0F);
  adjust_saturation(none, 2.0F);
  adjust_hue(none, 0.5F);
  to_greyscale(none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace simclr
