#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "tests/augment/draws.h"

namespace simclr {
namespace {

constexpr int kSide = 4096;  // so large that rounding boxes to pixels does not show in a test
constexpr double kChiSquare23 = 49.73;  // one sound generator in a thousand is above

const JitterParams& jitter_of(const ViewParams& draw) { return *find_step<JitterParams>(draw); }

double area_of(const ViewParams& draw) {
  return static_cast<double>(draw.crop.height) * draw.crop.width /
         (static_cast<double>(kSide) * kSide);
}

double log_ratio_of(const ViewParams& draw) {
  return std::log(static_cast<double>(draw.crop.width) / draw.crop.height);
}

bool is_inside(const CropBox& crop, int height, int width) {
  return crop.top >= 0 && crop.left >= 0 && crop.height >= 1 && crop.width >= 1 &&
         crop.top + crop.height <= height && crop.left + crop.width <= width;
}

void expect_box(const CropBox& crop, int top, int left, int height, int width) {
  EXPECT_EQ(crop.top, top);
  EXPECT_EQ(crop.left, left);
  EXPECT_EQ(crop.height, height);
  EXPECT_EQ(crop.width, width);
}

CropBox draw_crop(const Pipeline& settings, int height, int width) {
  Random random(RandomKey{.seed = 6});
  return draw_view(settings, height, width, kViewSide, random).crop;
}

TEST(DrawView, AreaIsUniformAndRatioLogUniformWhereEveryBoxFits) {
  SeedSettings settings;
  settings.crop.scale_max = 0.7;  // below 3/4 a box of any ratio in range fits a square
  const auto draws = draw_many(settings, kSide, kSide);
  const double edge = std::log(4.0 / 3.0);
  EXPECT_LT(kolmogorov(each(draws, area_of), uniform(0.08, 0.7)), 1.0);
  EXPECT_LT(kolmogorov(each(draws, log_ratio_of), uniform(-edge, edge)), 1.0);
}

TEST(DrawView, AreaFollowsWhatRejectingBoxesThatDoNotFitLeaves) {
  // A box of area share a > 3/4 fits if |log ratio| <= -log a: with probability -log a / log(4/3).
  const auto draws = draw_many(SeedSettings{}, kSide, kSide);
  const auto mass = [](double a) {
    const auto integral = [](double x) { return (x - x * std::log(x)) / std::log(4.0 / 3.0); };
    const double certain = std::clamp(a, 0.08, 0.75) - 0.08;
    return certain + (a > 0.75 ? integral(std::min(a, 1.0)) - integral(0.75) : 0.0);
  };
  EXPECT_LT(kolmogorov(each(draws, area_of), [&](double a) { return mass(a) / mass(1.0); }), 1.0);
}

TEST(DrawView, PositionIsUniform) {
  const auto draws = draw_many(SeedSettings{}, kSide, kSide);
  const auto top = [](const ViewParams& draw) {
    return (draw.crop.top + 0.5) / (kSide - draw.crop.height + 1);
  };
  const auto left = [](const ViewParams& draw) {
    return (draw.crop.left + 0.5) / (kSide - draw.crop.width + 1);
  };
  EXPECT_LT(kolmogorov(each(draws, top), uniform(0.0, 1.0)), 1.0);
  EXPECT_LT(kolmogorov(each(draws, left), uniform(0.0, 1.0)), 1.0);
}

TEST(DrawView, EveryPlaceOfASmallImageIsReached) {
  std::map<std::pair<int, int>, int> corners;
  for (const ViewParams& draw : draw_many(SeedSettings{}, 4, 5)) {
    if (draw.crop.height == 2 && draw.crop.width == 2) ++corners[{draw.crop.top, draw.crop.left}];
  }
  EXPECT_EQ(corners.size(), 12U);
}

TEST(DrawView, FlipJitterAndGreyscaleHaveTheirProbabilities) {
  const auto draws = draw_many(SeedSettings{}, 32, 32);
  expect_frequency(draws, 0.5, [](const ViewParams& draw) { return draw.flip; });
  expect_frequency(draws, 0.8, [](const ViewParams& draw) { return has_step<JitterParams>(draw); });
  expect_frequency(draws, 0.2,
                   [](const ViewParams& draw) { return has_step<GreyscaleParams>(draw); });
  expect_frequency(draws, 0.08, [](const ViewParams& draw) {
    return draw.flip && has_step<JitterParams>(draw) && has_step<GreyscaleParams>(draw);
  });
}

TEST(DrawView, ProbabilitiesZeroAndOneAreCertain) {
  SeedSettings settings;
  for (const double probability : {0.0, 1.0}) {
    settings.flip.p = settings.jitter.p = settings.greyscale.p = probability;
    for (const ViewParams& draw : draw_many(settings, 8, 8)) {
      ASSERT_EQ(draw.flip, probability == 1.0);
      ASSERT_EQ(has_step<JitterParams>(draw), probability == 1.0);
      ASSERT_EQ(has_step<GreyscaleParams>(draw), probability == 1.0);
    }
  }
}

TEST(DrawView, All24OrdersAreEquallyLikely) {
  SeedSettings settings;
  settings.jitter.p = 1.0;
  std::map<std::array<JitterOp, 4>, int> counts;
  for (const ViewParams& draw : draw_many(settings, 32, 32)) ++counts[jitter_of(draw).order];
  ASSERT_EQ(counts.size(), 24U);
  double chi_square = 0.0;
  const double expected = kDraws / 24.0;
  for (const auto& [order, count] : counts)
    chi_square += (count - expected) * (count - expected) / expected;
  EXPECT_LT(chi_square, kChiSquare23);
}

TEST(DrawView, FactorsAreUniformInTheirRanges) {
  SeedSettings settings;
  settings.jitter.p = 1.0;
  settings.jitter.brightness = 0.2;
  settings.jitter.contrast = 0.4;
  settings.jitter.saturation = 2.0;  // 1 - 2 is cut off at 0
  settings.jitter.hue = 0.1;
  const auto draws = draw_many(settings, 32, 32);
  const auto distance = [&](float JitterParams::*factor, double low, double high) {
    const auto values =
        each(draws, [&](const ViewParams& draw) { return jitter_of(draw).*factor; });
    const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*smallest, low - 1e-7);  // f32 rounding of the bound
    EXPECT_LE(*largest, high + 1e-7);
    return kolmogorov(values, uniform(low, high));
  };
  EXPECT_LT(distance(&JitterParams::brightness, 0.8, 1.2), 1.0);
  EXPECT_LT(distance(&JitterParams::contrast, 0.6, 1.4), 1.0);
  EXPECT_LT(distance(&JitterParams::saturation, 0.0, 3.0), 1.0);
  EXPECT_LT(distance(&JitterParams::hue, -0.1, 0.1), 1.0);
}

TEST(DrawView, AmplitudeZeroDrawsNeutralFactors) {
  SeedSettings settings;
  settings.jitter.p = 1.0;
  settings.jitter.brightness = settings.jitter.contrast = settings.jitter.saturation =
      settings.jitter.hue = 0.0;
  for (const ViewParams& draw : draw_many(settings, 8, 8)) {
    ASSERT_EQ(jitter_of(draw).brightness, 1.0F);
    ASSERT_EQ(jitter_of(draw).contrast, 1.0F);
    ASSERT_EQ(jitter_of(draw).saturation, 1.0F);
    ASSERT_EQ(jitter_of(draw).hue, 0.0F);
  }
}

TEST(DrawView, BoxIsInsideImagesOfAnySize) {
  SeedSettings tall;  // most tries fail, and the centre of 1 x 1 would round to no pixel
  tall.crop.ratio_min = 0.1;
  tall.crop.ratio_max = 0.3;
  SeedSettings wide;
  wide.crop.ratio_min = 3.0;
  wide.crop.ratio_max = 9.0;
  for (const Pipeline& settings : {Pipeline(SeedSettings{}), Pipeline(tall), Pipeline(wide)})
    for (int height = 1; height <= 24; ++height)
      for (int width = 1; width <= 24; ++width)
        for (std::uint32_t i = 0; i < 20; ++i) {
          Random random(RandomKey{.seed = 7, .sample = i});
          ASSERT_TRUE(
              is_inside(draw_view(settings, height, width, kViewSide, random).crop, height, width))
              << height << " x " << width;
        }
}

TEST(DrawView, OnePixelIsTheWholeImage) { expect_box(draw_crop(SeedSettings{}, 1, 1), 0, 0, 1, 1); }

TEST(DrawView, LongImagesFallBackToTheirCentre) {
  expect_box(draw_crop(SeedSettings{}, 3, 200), 0, 98, 3, 4);
  expect_box(draw_crop(SeedSettings{}, 200, 3), 98, 0, 4, 3);
}

TEST(DrawView, FallbackRoundsHalvesToEvenAsPython) {
  SeedSettings settings;
  settings.crop.ratio_max = 1.5;
  expect_box(draw_crop(settings, 3, 200), 0, 98, 3, 4);   // 4.5
  expect_box(draw_crop(settings, 5, 400), 0, 196, 5, 8);  // 7.5
}

TEST(DrawView, FallbackIsTheWholeImageIfItsRatioIsInRange) {
  SeedSettings settings;
  settings.crop.scale_min = settings.crop.scale_max = 4.0;  // no try can fit
  expect_box(draw_crop(settings, 30, 32), 0, 0, 30, 32);
}

TEST(DrawView, CropAndFlipAreTheSameWithAndWithoutColourOperations) {
  SeedSettings plain;
  plain.jitter.p = plain.greyscale.p = 0.0;
  const auto full = draw_many(SeedSettings{}, 32, 32);
  const auto bare = draw_many(plain, 32, 32);
  for (std::size_t i = 0; i < full.size(); ++i) {
    const CropBox& crop = bare[i].crop;
    expect_box(full[i].crop, crop.top, crop.left, crop.height, crop.width);
    EXPECT_EQ(full[i].flip, bare[i].flip);
  }
}

}  // namespace
}  // namespace simclr
