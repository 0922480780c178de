#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "simclr/kernels/noise.h"
#include "tests/augment/golden.h"
#include "tests/augment/seed_settings.h"
#include "tests/augment/views.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

/// Everything that a pipeline can hold, every operation certain.
Pipeline everything(bool padded_crop) {
  return parse_pipeline(padded_crop
                            ? "[crop: {padding: 3}, flip, autoaugment, jitter: {p: 1}, greyscale, "
                              "blur: {p: 1}, solarize: {p: 1}, noise: {p: 1}]"
                            : "[resized_crop, flip, noise: {p: 1}, solarize: {p: 1}, blur: {p: 1}, "
                              "greyscale, jitter: {p: 1, hue: 0.5}, autoaugment]");
}

ViewParams drawn(const Pipeline& pipeline, int height, int width, int side, std::uint32_t sample) {
  Random random(RandomKey{.seed = 22, .sample = sample});
  return draw_view(pipeline, height, width, side, random);
}

/// The channel of one pixel of f32 [side, side, 3], black outside.
float value_at(const std::vector<float>& view, int side, int y, int x, int c) {
  if (y < 0 || y >= side || x < 0 || x >= side) return 0.0F;
  return view[static_cast<std::size_t>((y * side + x) * 3 + c)];
}

/// The corner moves, then columns are mirrored.
std::vector<float> moved_oracle(const std::vector<float>& view, int side, Shift shift, bool flip) {
  std::vector<float> result;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      for (int c = 0; c < 3; ++c) {
        const int column = flip ? side - 1 - x : x;
        result.push_back(value_at(view, side, y + shift.top, column + shift.left, c));
      }
  return result;
}

TEST(ApplyView, WholeImageOfTheSameSizeIsPixelsOver255) {
  const auto pixels = random_image(32, 32);
  const auto view = view_of({pixels, 32, 32}, whole_image(32, 32), 32);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    ASSERT_EQ(view[i], static_cast<float>(pixels[i]) / 255.0F);
}

TEST(ApplyView, ShiftThenFlipEqualTheNaiveWay) {
  constexpr int kSide = 5;
  const auto pixels = random_image(17, 40);
  const Image image{pixels, 17, 40};
  ViewParams params;
  params.crop = {2, 5, 13, 30};
  const auto plain = view_of(image, params, kSide);
  for (int top = -kSide - 1; top <= kSide + 1; ++top)
    for (int left = -kSide - 1; left <= kSide + 1; ++left)
      for (const bool flip : {false, true}) {
        params.shift = {top, left};
        params.flip = flip;
        EXPECT_EQ(view_of(image, params, kSide),
                  moved_oracle(plain, kSide, params.shift, params.flip))
            << top << ", " << left << (flip ? ", mirrored" : "");
      }
}

TEST(ApplyView, AShiftBeyondTheViewIsBlackBeforeTheSteps) {
  const auto pixels = random_image(8, 8);
  const Image image{pixels, 8, 8};
  ViewParams params = with_steps(image, SolarizeParams{0.0F});  // black turns white
  params.shift = {1024, -1024};
  EXPECT_EQ(view_of(image, params, 8), std::vector<float>(8 * 8 * 3, 1.0F));
}

TEST(ApplyView, ReadsNothingOutsideTheCrop) {
  auto pixels = random_image(10, 12);
  ViewParams params;
  params.crop = {3, 4, 5, 6};
  const auto before = view_of({pixels, 10, 12}, params, 32);
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 12; ++x)
      if (y < 3 || y >= 8 || x < 4 || x >= 10)
        for (int c = 0; c < 3; ++c) pixels[static_cast<std::size_t>((y * 12 + x) * 3 + c)] = 255;
  EXPECT_EQ(view_of({pixels, 10, 12}, params, 32), before);
}

TEST(ApplyView, ReadsAndWritesNothingOutsideItsMemory) {
  // Memory of exactly the right size: AddressSanitizer sees one byte more.
  for (int height = 1; height <= 5; ++height)
    for (int width = 1; width <= 36; ++width)
      for (const int side : {1, 5, 17}) {
        const auto pixels = random_image(height, width);
        const auto exact = std::make_unique<std::uint8_t[]>(pixels.size());
        std::copy(pixels.begin(), pixels.end(), exact.get());
        const auto size = static_cast<std::size_t>(side * side * 3);
        const auto view = std::make_unique<float[]>(size);
        ViewScratch scratch;
        apply_view({{exact.get(), pixels.size()}, height, width}, whole_image(height, width),
                   Normalization::kCifar10, side, scratch, {view.get(), size});
        ASSERT_TRUE(std::all_of(view.get(), view.get() + size, [](float x) { return x > -3; }));
      }
}

TEST(ApplyView, OnePixelFillsTheView) {
  const std::vector<std::uint8_t> pixel{255, 0, 51};
  const auto view = view_of({pixel, 1, 1}, whole_image(1, 1), 5);
  for (std::size_t i = 0; i < view.size(); i += 3) {
    EXPECT_EQ(view[i], 1.0F);
    EXPECT_EQ(view[i + 1], 0.0F);
    EXPECT_NEAR(view[i + 2], 0.2F, kRounding);
  }
}

TEST(ApplyView, JitterOfNeutralFactorsChangesNoBit) {
  const auto pixels = random_image(20, 20);
  const Image image{pixels, 20, 20};
  EXPECT_EQ(view_of(image, with_steps(image, JitterParams{}), 32),
            view_of(image, whole_image(20, 20), 32));
}

TEST(ApplyView, StaysBetweenZeroAndOne) {
  const auto pixels = random_image(32, 32);
  SeedSettings settings;
  settings.jitter = {.p = 1.0, .brightness = 1.0, .contrast = 1.0, .saturation = 1.0, .hue = 0.5};
  for (std::uint32_t i = 0; i < 100; ++i)
    for (const float value : view_of({pixels, 32, 32}, drawn(settings, 32, 32, 32, i), 32)) {
      ASSERT_GE(value, 0.0F);
      ASSERT_LE(value, 1.0F);
    }
}

TEST(ApplyView, AutoAugmentActsOnBytesAndComesBack) {
  constexpr int kSide = 21;
  const auto pixels = random_image(30, 20);
  const Image image{pixels, 30, 20};
  const JitterParams jitter{.brightness = 1.3F, .hue = 0.1F};
  const auto before = view_of(image, with_steps(image, jitter), kSide);
  std::vector<std::uint8_t> rounded;
  for (const float value : before)
    rounded.push_back(static_cast<std::uint8_t>(std::floor(value * 255.0F + 0.5F)));
  for (int first = 0; first < 14; ++first) {
    const U8Step step{static_cast<U8Op>(first), 3.0F};
    const U8Step invert{U8Op::kInvert, 0.0F};
    for (int count = 0; count <= 2; ++count) {
      const AutoAugmentParams params{{{step, invert}}, count};
      auto bytes = rounded;
      U8Scratch scratch;
      if (count >= 1) apply_u8_step(bytes, kSide, kSide, step, scratch);
      if (count >= 2) apply_u8_step(bytes, kSide, kSide, invert, scratch);
      const auto view = view_of(image, with_steps(image, jitter, params), kSide);
      for (std::size_t i = 0; i < view.size(); ++i)
        ASSERT_EQ(view[i], static_cast<float>(bytes[i]) / 255.0F)
            << "operation " << first << ", " << count << " steps";
    }
  }
}

TEST(ApplyView, NoiseIsOfItsKeyAndClamped) {
  const auto pixels = random_image(9, 9);
  const Image image{pixels, 9, 9};
  const auto plain = view_of(image, whole_image(9, 9), 9);
  std::vector<float> noise(3 * padded(81));
  normal_noise(7, 0.4F, {noise.data(), 81, padded(81)});
  const auto view = view_of(image, with_steps(image, NoiseParams{0.4F, 7}), 9);
  for (std::size_t i = 0; i < view.size(); ++i)
    ASSERT_EQ(view[i], std::clamp(plain[i] + noise[i % 3 * padded(81) + i / 3], 0.0F, 1.0F));
  EXPECT_NE(view, view_of(image, with_steps(image, NoiseParams{0.4F, 8}), 9));
}

TEST(ApplyView, StepsActInTheirOrder) {
  const auto pixels = random_image(9, 9);
  const Image image{pixels, 9, 9};
  const auto is_grey = [](const std::vector<float>& view) {
    for (std::size_t i = 0; i < view.size(); i += 3)
      if (view[i] != view[i + 1] || view[i] != view[i + 2]) return false;
    return true;
  };
  const NoiseParams noise{0.1F, 3};
  EXPECT_TRUE(is_grey(view_of(image, with_steps(image, noise, GreyscaleParams{}), 9)));
  EXPECT_FALSE(is_grey(view_of(image, with_steps(image, GreyscaleParams{}, noise), 9)));
}

TEST(ApplyView, MemoryOfEarlierViewsDoesNotShow) {
  ViewScratch scratch;
  for (const bool padded_crop : {false, true})
    for (std::uint32_t i = 0; i < 60; ++i) {
      const int height = 1 + static_cast<int>(i * 7 % 50);
      const int width = 1 + static_cast<int>(i * 11 % 80);
      const int side = 1 + static_cast<int>(i * 13 % 40);
      const auto pixels = random_image(height, width);
      const ViewParams params = drawn(everything(padded_crop), height, width, side, i);
      std::vector<float> view(static_cast<std::size_t>(side * side * 3));
      apply_view({pixels, height, width}, params, Normalization::kNone, side, scratch, view);
      ASSERT_EQ(view, view_of({pixels, height, width}, params, side)) << i;
    }
}

TEST(ApplyView, AnySizeDoesWithAnyStep) {
  for (int height = 1; height <= 40; ++height)
    for (int width = 1; width <= 40; ++width) {
      const auto pixels = random_image(height, width);
      const auto sample = static_cast<std::uint32_t>(height * 41 + width);
      const int side = 1 + (height * 7 + width) % 40;
      for (const bool padded_crop : {false, true}) {
        const ViewParams params = drawn(everything(padded_crop), height, width, side, sample);
        for (const float value : view_of({pixels, height, width}, params, side))
          ASSERT_TRUE(value >= -kRounding && value <= 1.0F + kRounding)
              << height << " x " << width << " to " << side;
      }
    }
}

TEST(ApplyView, SameBitsOnEveryInstructionSet) {
  const auto pixels = random_image(45, 70);
  for (const bool padded_crop : {false, true})
    for (const int side : {1, 7, 32, 50})
      for (std::uint32_t i = 0; i < 12; ++i) {
        const ViewParams params = drawn(everything(padded_crop), 45, 70, side, i);
        expect_same_on_every_target([&] {
          return view_of({pixels, 45, 70}, params, side, Normalization::kImageNet);
        });
      }
}

}  // namespace
}  // namespace simclr
