#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/augment/draws.h"
#include "tests/augment/views.h"

namespace simclr {
namespace {

constexpr double kChiSquare24 = 51.18;  // one sound generator in a thousand is above
constexpr double kChiSquare80 = 124.84;
constexpr double kCorrelation = 3.9;  // standard deviations, as kFrequencyDeviations

/// Chi-square of counts that should be equal, over `cells` of them.
template <class Key>
double chi_square(const std::map<Key, int>& counts, double cells) {
  double total = 0.0;
  for (const auto& [key, count] : counts) total += count;
  const double expected = total / cells;
  double sum = (cells - static_cast<double>(counts.size())) * expected;  // those never seen
  for (const auto& [key, count] : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

template <class Step>
double share_of(const std::vector<ViewParams>& draws) {
  return static_cast<double>(std::count_if(draws.begin(), draws.end(), has_step<Step>)) /
         static_cast<double>(draws.size());
}

/// Steps of this type among the draws.
template <class Step>
std::vector<Step> steps_of(const std::vector<ViewParams>& draws) {
  std::vector<Step> steps;
  for (const ViewParams& draw : draws)
    if (const auto* step = find_step<Step>(draw)) steps.push_back(*step);
  return steps;
}

int kernel_of(int side, const std::string& parameters = "{p: 1}") {
  Random random(RandomKey{.seed = 8});
  const auto view = draw_view(parse_pipeline("[blur: " + parameters + "]"), 50, 60, side, random);
  return find_step<BlurParams>(view)->kernel;
}

TEST(DrawShift, EveryPlaceOfThePaddedImageIsEquallyLikely) {
  std::map<std::pair<int, int>, int> corners;
  for (const ViewParams& draw : draw_many(parse_pipeline("[crop]"), 40, 50)) {
    ASSERT_LE(std::max(std::abs(draw.shift.top), std::abs(draw.shift.left)), 4);
    ++corners[{draw.shift.top, draw.shift.left}];
  }
  EXPECT_EQ(corners.size(), 81U);
  EXPECT_LT(chi_square(corners, 81.0), kChiSquare80);
}

TEST(DrawShift, ReachesAsFarAsThePadding) {
  std::map<std::pair<int, int>, int> corners;
  for (const ViewParams& draw : draw_many(parse_pipeline("[crop: {padding: 2}]"), 32, 32))
    ++corners[{draw.shift.top, draw.shift.left}];
  EXPECT_EQ(corners.begin()->first, std::pair(-2, -2));
  EXPECT_EQ(corners.rbegin()->first, std::pair(2, 2));
  EXPECT_LT(chi_square(corners, 25.0), kChiSquare24);
}

TEST(DrawShift, TakesTheWholeImageAndWithoutPaddingDoesNotMove) {
  for (const ViewParams& draw : draw_many(parse_pipeline("[crop: {padding: 0}]"), 40, 50)) {
    ASSERT_EQ(draw.shift.top, 0);
    ASSERT_EQ(draw.shift.left, 0);
    ASSERT_EQ(draw.crop.height, 40);
    ASSERT_EQ(draw.crop.width, 50);
  }
}

TEST(DrawSteps, HaveTheirProbabilities) {
  const auto draws =
      draw_many(parse_pipeline(
                    "[blur: {p: 0.3}, solarize: {p: 0.1}, noise: {p: 0.6}, autoaugment: {p: 0.7}]"),
                32, 32);
  expect_frequency(draws, 0.3, has_step<BlurParams>);
  expect_frequency(draws, 0.1, has_step<SolarizeParams>);
  expect_frequency(draws, 0.6, has_step<NoiseParams>);
  expect_frequency(draws, 0.7, has_step<AutoAugmentParams>);
  // Two of them, independent of each other.
  expect_frequency(draws, 0.18, [](const ViewParams& draw) {
    return has_step<BlurParams>(draw) && has_step<NoiseParams>(draw);
  });
  expect_frequency(draws, 0.07, [](const ViewParams& draw) {
    return has_step<AutoAugmentParams>(draw) && has_step<SolarizeParams>(draw);
  });
}

TEST(DrawSteps, DefaultsAreThoseOfTheirSources) {
  const auto draws = draw_many(parse_pipeline("[autoaugment, blur, solarize, noise]"), 32, 32);
  EXPECT_EQ(share_of<AutoAugmentParams>(draws), 1.0);
  expect_frequency(draws, 0.5, has_step<BlurParams>);      // SimCLR, appendix A
  expect_frequency(draws, 0.2, has_step<SolarizeParams>);  // BYOL's second view
  expect_frequency(draws, 0.5, has_step<NoiseParams>);
  for (const auto& step : steps_of<SolarizeParams>(draws)) ASSERT_EQ(step.threshold, 0.5F);
  for (const auto& step : steps_of<NoiseParams>(draws)) ASSERT_EQ(step.sigma, 0.05F);
}

TEST(DrawSteps, ProbabilitiesZeroAndOneAreCertain) {
  for (const std::string p : {"{p: 0}", "{p: 1}"}) {
    const auto draws = draw_many(parse_pipeline("[autoaugment: " + p + ", blur: " + p +
                                                ", solarize: " + p + ", noise: " + p + "]"),
                                 8, 8);
    const std::size_t expected = p == "{p: 1}" ? 4 : 0;
    for (const ViewParams& draw : draws) ASSERT_EQ(draw.steps.size(), expected);
  }
}

TEST(DrawSteps, KeepThePipelinesOrder) {
  const std::string p = ": {p: 1}";
  const auto forth = draw_many(
      parse_pipeline("[jitter" + p + ", greyscale" + p + ", blur" + p + ", noise" + p + "]"), 8, 8);
  const auto back = draw_many(
      parse_pipeline("[noise" + p + ", blur" + p + ", greyscale" + p + ", jitter" + p + "]"), 8, 8);
  EXPECT_TRUE(std::holds_alternative<JitterParams>(forth[0].steps[0]));
  EXPECT_TRUE(std::holds_alternative<NoiseParams>(forth[0].steps[3]));
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(forth[0].steps[i].index(), back[0].steps[3 - i].index());
}

TEST(DrawSteps, NothingOfAnEarlierDrawIsLeft) {
  ViewParams params;
  Random random(RandomKey{.seed = 9});
  draw_view(parse_pipeline("[crop: {padding: 900}, flip: {p: 1}, noise: {p: 1}]"), 32, 32, 32,
            random, params);
  ASSERT_TRUE(params.flip && params.steps.size() == 1 && params.shift.top != 0);
  draw_view(parse_pipeline("none"), 20, 30, 32, random, params);
  EXPECT_EQ(params.crop.height, 20);
  EXPECT_EQ(params.crop.width, 30);
  EXPECT_EQ(params.shift.top, 0);
  EXPECT_EQ(params.shift.left, 0);
  EXPECT_FALSE(params.flip);
  EXPECT_TRUE(params.steps.empty());
}

TEST(DrawBlur, SigmaIsUniformInItsRange) {
  for (const auto& [text, low, high] :
       {std::tuple{"[blur]", 0.1, 2.0}, {"[blur: {sigma_min: 0.5, sigma_max: 0.6}]", 0.5, 0.6}}) {
    std::vector<double> sigmas;
    for (const auto& step : steps_of<BlurParams>(draw_many(parse_pipeline(text), 32, 32)))
      sigmas.push_back(static_cast<double>(step.sigma));
    const auto [smallest, largest] = std::minmax_element(sigmas.begin(), sigmas.end());
    EXPECT_GE(*smallest, low - 1e-7);  // f32 rounding of the bound
    EXPECT_LE(*largest, high + 1e-7);
    EXPECT_LT(kolmogorov(sigmas, uniform(low, high)), 1.0);
  }
}

TEST(DrawBlur, KernelIsThePapersForEverySide) {
  // A tenth of the side; its code takes twice half of that, and the middle. At least 3, where that
  // would be 1; never beyond what reflecting the border allows.
  EXPECT_EQ(kernel_of(224), 23);
  EXPECT_EQ(kernel_of(96), 9);
  EXPECT_EQ(kernel_of(64), 7);
  EXPECT_EQ(kernel_of(32), 3);
  for (int side = 1; side <= 600; ++side) {
    const int tenth = side / 10 / 2 * 2 + 1;
    ASSERT_EQ(kernel_of(side), side == 1 ? 1 : std::max(3, tenth)) << side;
  }
}

TEST(DrawBlur, KernelMayBeSetAndAlwaysFits) {
  EXPECT_EQ(kernel_of(40, "{p: 1, kernel: 0.5}"), 21);
  for (int side = 1; side <= 64; ++side) {
    const int kernel = kernel_of(side, "{p: 1, kernel: 1}");
    ASSERT_EQ(kernel % 2, 1);
    ASSERT_LT(kernel / 2, side);
  }
}

TEST(DrawAutoAugment, MeasuresTranslationsByTheView) {
  const Pipeline pipeline = parse_pipeline("[autoaugment]");
  const auto moved = [](const std::vector<ViewParams>& draws) {
    float farthest = 0.0F;
    for (const auto& params : steps_of<AutoAugmentParams>(draws))
      for (int i = 0; i < params.count; ++i) {
        const U8Step& step = params.steps.at(static_cast<std::size_t>(i));
        if (step.op == U8Op::kTranslateY) farthest = std::max(farthest, std::abs(step.magnitude));
      }
    return farthest;
  };
  const float small = moved(draw_many(pipeline, 500, 400, 32));
  EXPECT_NEAR(small, 150.0F / 331.0F * 32.0F, 1e-4F);
  EXPECT_NEAR(moved(draw_many(pipeline, 500, 400, 64)), 2.0F * small, 1e-4F);
}

TEST(DrawNoise, KeysOfViewsDiffer) {
  std::set<std::uint64_t> keys;
  std::set<std::uint32_t> high_halves;
  const Pipeline pipeline = parse_pipeline("[noise: {p: 1}]");
  for (std::uint32_t sample = 0; sample < 1000; ++sample)
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch)
      for (std::uint32_t view = 0; view < 2; ++view) {
        Random random(RandomKey{
            .seed = 5, .purpose = Purpose::kView, .epoch = epoch, .sample = sample, .view = view});
        const auto drawn = draw_view(pipeline, 32, 32, 32, random);
        keys.insert(find_step<NoiseParams>(drawn)->key);
        high_halves.insert(static_cast<std::uint32_t>(find_step<NoiseParams>(drawn)->key >> 32));
      }
  EXPECT_EQ(keys.size(), 6000U);
  EXPECT_GE(high_halves.size(), 5990U);  // both halves are random
}

/// Noise of one view of an evenly grey picture, by channel.
std::array<std::vector<double>, 3> noise_of(std::uint64_t key, float sigma) {
  constexpr int kNoiseSide = 96;
  const std::vector<std::uint8_t> pixels(3, 128);
  const Image image{pixels, 1, 1};
  const auto view = view_of(image, with_steps(image, NoiseParams{sigma, key}), kNoiseSide);
  std::array<std::vector<double>, 3> channels;
  for (std::size_t i = 0; i < view.size(); ++i)
    channels.at(i % 3).push_back(static_cast<double>(view[i]) - 128.0 / 255.0);
  return channels;
}

double correlation_deviations(const std::vector<double>& a, const std::vector<double>& b) {
  double product = 0.0;
  double squares_a = 0.0;
  double squares_b = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    product += a[i] * b[i];
    squares_a += a[i] * a[i];
    squares_b += b[i] * b[i];
  }
  const auto n = static_cast<double>(std::min(a.size(), b.size()));
  return std::abs(product) / std::sqrt(squares_a * squares_b) * std::sqrt(n);
}

TEST(DrawNoise, ValuesAreNormalInEveryChannel) {
  for (const float sigma : {0.02F, 0.05F, 0.09F})  // 0.5 is more than five deviations away
    for (const std::vector<double>& channel : noise_of(17, sigma)) {
      const auto normal = [sigma](double x) {
        return 0.5 * std::erfc(-x / (static_cast<double>(sigma) * std::sqrt(2.0)));
      };
      EXPECT_LT(kolmogorov(channel, normal), 1.0) << sigma;
    }
}

TEST(DrawNoise, ChannelsViewsAndNeighboursAreIndependent) {
  const auto one = noise_of(17, 0.05F);
  const auto other = noise_of(18, 0.05F);
  EXPECT_LT(correlation_deviations(one[0], one[1]), kCorrelation);
  EXPECT_LT(correlation_deviations(one[1], one[2]), kCorrelation);
  for (std::size_t c = 0; c < 3; ++c)
    EXPECT_LT(correlation_deviations(one.at(c), other.at(c)), kCorrelation);
  for (const std::size_t apart : {1U, 2U, 16U, 64U, 96U}) {
    const std::vector<double> later(one[0].begin() + static_cast<std::ptrdiff_t>(apart),
                                    one[0].end());
    EXPECT_LT(correlation_deviations(one[0], later), kCorrelation) << apart;
  }
}

}  // namespace
}  // namespace simclr
