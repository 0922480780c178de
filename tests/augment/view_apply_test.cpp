#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "simclr/augment/apply.h"
#include "simclr/augment/presets.h"
#include "tests/augment/golden.h"
#include "tests/augment/seed_settings.h"

namespace simclr {
namespace {

constexpr float kRounding = 1e-6F;  // a few operations in f32 on values in [0, 1]

std::vector<std::uint8_t> random_image(int height, int width) {
  Random random(RandomKey{.seed = 21});
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width * 3));
  for (std::uint8_t& value : pixels) value = static_cast<std::uint8_t>(random.below(256));
  return pixels;
}

std::vector<float> view_of(const std::vector<std::uint8_t>& pixels, int height, int width,
                           const ViewParams& params, int side,
                           Normalization normalization = Normalization::kNone) {
  std::vector<float> view(static_cast<std::size_t>(side * side * 3), NAN);
  ViewScratch scratch;
  apply_view({pixels, height, width}, params, normalization, side, scratch, view);
  return view;
}

/// Antialiased bilinear, one output value at a time, as its definition reads.
float resize_oracle(const std::vector<std::uint8_t>& pixels, int width, const CropBox& crop,
                    int side, int y, int x, int c) {
  const auto weight_at = [side](int input, int output, int size) {
    const double scale = static_cast<double>(size) / side;
    const double reach = std::max(scale, 1.0);
    return std::max(0.0, 1.0 - std::abs(input + 0.5 - scale * (output + 0.5)) / reach);
  };
  double sum = 0.0;
  double total = 0.0;
  for (int i = 0; i < crop.height; ++i)
    for (int j = 0; j < crop.width; ++j) {
      const double weight = weight_at(i, y, crop.height) * weight_at(j, x, crop.width);
      const int index = ((crop.top + i) * width + crop.left + j) * 3 + c;
      sum += weight * pixels[static_cast<std::size_t>(index)] / 255.0;
      total += weight;
    }
  return static_cast<float>(sum / total);
}

ViewParams golden_params(const AugmentGolden& golden, const std::string& group, std::size_t i) {
  const auto crop = golden.values<std::int64_t>(group + "/crop");
  const auto order = golden.values<std::int64_t>(group + "/order");
  const auto factors = golden.values<float>(group + "/factors");
  ViewParams params;
  params.crop = {static_cast<int>(crop[4 * i]), static_cast<int>(crop[4 * i + 1]),
                 static_cast<int>(crop[4 * i + 2]), static_cast<int>(crop[4 * i + 3])};
  params.flip = golden.values<std::int64_t>(group + "/flip")[i] != 0;
  if (golden.values<std::int64_t>(group + "/jitter")[i] != 0) {
    JitterParams jitter;
    for (std::size_t j = 0; j < 4; ++j) jitter.order[j] = static_cast<JitterOp>(order[4 * i + j]);
    jitter.brightness = factors[4 * i];
    jitter.contrast = factors[4 * i + 1];
    jitter.saturation = factors[4 * i + 2];
    jitter.hue = factors[4 * i + 3];
    params.steps.emplace_back(jitter);
  }
  if (golden.values<std::int64_t>(group + "/grey")[i] != 0)
    params.steps.emplace_back(GreyscaleParams{});
  return params;
}

class ViewGolden : public testing::TestWithParam<std::string> {};

TEST_P(ViewGolden, AgreesWithTorchvision) {
  const std::string& group = GetParam();
  const AugmentGolden golden;
  const auto image = golden.values<std::uint8_t>(group + "/image");
  const auto height = static_cast<int>(golden.size(group + "/image", 0));
  const auto width = static_cast<int>(golden.size(group + "/image", 1));
  const auto expected = golden.values<float>(group + "/expected");
  const auto side = static_cast<int>(golden.size(group + "/expected", 1));
  const auto normalizations = golden.values<std::int64_t>(group + "/normalization");
  const auto view_size = static_cast<std::size_t>(side * side * 3);
  float largest = 0.0F;
  for (std::size_t i = 0; i < normalizations.size(); ++i) {
    const auto normalization = static_cast<Normalization>(normalizations[i]);
    const auto view =
        view_of(image, height, width, golden_params(golden, group, i), side, normalization);
    // Normalising divides deviations by the data's standard deviation, as it does the pixels.
    const float scale = normalization == Normalization::kNone
                            ? 1.0F
                            : 1.0F / channel_statistics(normalization).deviation[1];
    const float difference =
        largest_difference(view, std::span(expected).subspan(i * view_size, view_size));
    EXPECT_LE(difference, kGoldenTolerance * scale) << "case " << i;
    largest = std::max(largest, difference / scale);
  }
  record_difference(largest);
}

INSTANTIATE_TEST_SUITE_P(Groups, ViewGolden,
                         testing::Values("crop12", "crop32", "orders", "square32", "odd32"),
                         [](const auto& test) { return test.param; });

TEST(ApplyView, ResizeEqualsTheDefinition) {
  const auto pixels = random_image(17, 40);
  for (const CropBox crop :
       {CropBox{0, 0, 17, 40}, CropBox{3, 30, 9, 7}, CropBox{16, 39, 1, 1}, CropBox{2, 1, 1, 30}})
    for (const int side : {1, 2, 9, 32}) {
      ViewParams params;
      params.crop = crop;
      const auto view = view_of(pixels, 17, 40, params, side);
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
          for (int c = 0; c < 3; ++c)
            EXPECT_NEAR(view[static_cast<std::size_t>((y * side + x) * 3 + c)],
                        resize_oracle(pixels, 40, crop, side, y, x, c), 5 * kRounding);
    }
}

TEST(ApplyView, WholeImageOfTheSameSizeIsPixelsOver255) {
  const auto pixels = random_image(32, 32);
  const auto view = view_of(pixels, 32, 32, whole_image(32, 32), 32);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    ASSERT_EQ(view[i], static_cast<float>(pixels[i]) / 255.0F);
}

TEST(ApplyView, FlipMirrorsColumns) {
  const auto pixels = random_image(17, 40);
  ViewParams params;
  params.crop = {2, 5, 13, 30};
  const auto view = view_of(pixels, 17, 40, params, 32);
  params.flip = true;
  const auto flipped = view_of(pixels, 17, 40, params, 32);
  for (std::size_t y = 0; y < 32; ++y)
    for (std::size_t x = 0; x < 32; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        ASSERT_EQ(flipped[(y * 32 + x) * 3 + c], view[(y * 32 + 31 - x) * 3 + c]);
}

TEST(ApplyView, ReadsNothingOutsideTheCrop) {
  auto pixels = random_image(10, 12);
  ViewParams params;
  params.crop = {3, 4, 5, 6};
  const auto before = view_of(pixels, 10, 12, params, 32);
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 12; ++x)
      if (y < 3 || y >= 8 || x < 4 || x >= 10)
        for (int c = 0; c < 3; ++c) pixels[static_cast<std::size_t>((y * 12 + x) * 3 + c)] = 255;
  EXPECT_EQ(view_of(pixels, 10, 12, params, 32), before);
}

TEST(ApplyView, OnePixelFillsTheView) {
  const auto view = view_of({255, 0, 51}, 1, 1, whole_image(1, 1), 5);
  for (std::size_t i = 0; i < view.size(); i += 3) {
    EXPECT_EQ(view[i], 1.0F);
    EXPECT_EQ(view[i + 1], 0.0F);
    EXPECT_NEAR(view[i + 2], 0.2F, kRounding);
  }
}

TEST(ApplyView, JitterOfNeutralFactorsChangesNoBit) {
  const auto pixels = random_image(20, 20);
  ViewParams params = whole_image(20, 20);
  const auto plain = view_of(pixels, 20, 20, params, 32);
  params.steps.emplace_back(JitterParams{});
  EXPECT_EQ(view_of(pixels, 20, 20, params, 32), plain);
}

TEST(ApplyView, StaysBetweenZeroAndOne) {
  const auto pixels = random_image(32, 32);
  SeedSettings settings;
  settings.jitter = {.p = 1.0, .brightness = 1.0, .contrast = 1.0, .saturation = 1.0, .hue = 0.5};
  for (std::uint32_t i = 0; i < 100; ++i) {
    Random random(RandomKey{.seed = 22, .sample = i});
    for (const float value : view_of(pixels, 32, 32, draw_view(settings, 32, 32, 32, random), 32)) {
      ASSERT_GE(value, 0.0F);
      ASSERT_LE(value, 1.0F);
    }
  }
}

}  // namespace
}  // namespace simclr
