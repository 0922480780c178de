#include "simclr/augment/autoaugment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/augment/golden.h"

namespace simclr {
namespace {

constexpr std::uint32_t kDraws = 400000;
constexpr double kDeviations = 5.0;  // keys are fixed: one sound generator in 10,000 would fail

using Outcome = std::vector<std::pair<U8Op, float>>;  // the steps of one draw

/// torchvision's table, one entry per operation of each of the 25 pairs.
struct Policy {
  explicit Policy(const AugmentGolden& golden)
      : ops(golden.values<std::uint8_t>("policy/ops")),
        probabilities(golden.values<float>("policy/probabilities")),
        bins(golden.values<std::int64_t>("policy/bins")),
        is_signed(golden.values<std::uint8_t>("policy/signed")) {}

  U8Op op(std::size_t i) const { return static_cast<U8Op>(ops[i]); }

  float magnitude(std::size_t i, int height, int width) const {
    return autoaugment_magnitude(op(i), static_cast<int>(bins[i]), height, width);
  }

  std::vector<std::uint8_t> ops;
  std::vector<float> probabilities;
  std::vector<std::int64_t> bins;
  std::vector<std::uint8_t> is_signed;
};

AutoAugmentParams draw(std::uint32_t sample, int height, int width) {
  Random random(RandomKey{.seed = 13, .purpose = Purpose::kView, .sample = sample});
  return draw_autoaugment(height, width, random);
}

Outcome outcome_of(const AutoAugmentParams& params) {
  Outcome outcome;
  for (int i = 0; i < params.count; ++i) {
    const U8Step& step = params.steps.at(static_cast<std::size_t>(i));
    outcome.emplace_back(step.op, step.magnitude);
  }
  return outcome;
}

/// What operation i adds to an outcome, and how likely that is: nothing, or a step of either sign.
std::vector<std::pair<Outcome, double>> alternatives(const Policy& policy, std::size_t i) {
  const auto probability = static_cast<double>(policy.probabilities[i]);
  const float magnitude = policy.magnitude(i, 32, 32);
  const U8Op op = policy.op(i);
  if (policy.is_signed[i] == 0) return {{{}, 1.0 - probability}, {{{op, magnitude}}, probability}};
  return {{{}, 1.0 - probability},
          {{{op, magnitude}}, probability / 2},
          {{{op, -magnitude}}, probability / 2}};
}

/// The probability of everything that can be drawn for an image of 32 x 32.
std::map<Outcome, double> expected_outcomes(const Policy& policy) {
  std::map<Outcome, double> expected;
  for (std::size_t i = 0; i < policy.ops.size(); i += 2)
    for (const auto& [first, first_probability] : alternatives(policy, i))
      for (const auto& [second, second_probability] : alternatives(policy, i + 1)) {
        Outcome both = first;
        both.insert(both.end(), second.begin(), second.end());
        expected[both] += first_probability * second_probability / 25.0;
      }
  return expected;
}

TEST(AutoAugment, BinsOfMagnitudesAreTorchvisions) {
  const AugmentGolden golden("autoaugment.safetensors");
  for (const auto& [height, width] : {std::pair{32, 32}, {33, 47}, {96, 96}, {224, 160}, {1, 7}}) {
    const auto expected =
        golden.values<float>("bins/" + std::to_string(height) + "x" + std::to_string(width));
    ASSERT_EQ(expected.size(), 140U);
    for (int i = 0; i < 140; ++i)
      EXPECT_EQ(autoaugment_magnitude(static_cast<U8Op>(i / 10), i % 10, height, width),
                expected[static_cast<std::size_t>(i)])
          << "operation " << i / 10 << ", bin " << i % 10;
  }
}

class AutoAugmentPairs : public testing::TestWithParam<std::string> {};

TEST_P(AutoAugmentPairs, GiveTorchvisionsBytes) {
  const AugmentGolden golden("autoaugment.safetensors");
  const Policy policy(golden);
  const auto image = golden.values<std::uint8_t>("images/" + GetParam());
  const auto height = static_cast<int>(golden.size("images/" + GetParam(), 0));
  const auto width = static_cast<int>(golden.size("images/" + GetParam(), 1));
  const auto expected = golden.values<std::uint8_t>("pairs/" + GetParam());
  ASSERT_EQ(expected.size(), 25 * image.size());
  U8Scratch scratch;
  for (std::size_t pair = 0; pair < 25; ++pair) {
    const std::size_t i = 2 * pair;
    const float sign = policy.is_signed[i + 1] != 0 ? -1.0F : 1.0F;
    const AutoAugmentParams params{
        {{{policy.op(i), policy.magnitude(i, height, width)},
          {policy.op(i + 1), sign * policy.magnitude(i + 1, height, width)}}},
        2};
    auto result = image;
    apply_autoaugment(result, height, width, params, scratch);
    std::size_t differing = 0;
    for (std::size_t byte = 0; byte < result.size(); ++byte)
      differing += result[byte] != expected[pair * image.size() + byte] ? 1 : 0;
    EXPECT_EQ(differing, 0U) << "pair " << pair;
  }
}

INSTANTIATE_TEST_SUITE_P(Images, AutoAugmentPairs, testing::Values("smooth", "odd"),
                         [](const auto& test) { return test.param; });

TEST(AutoAugment, EveryOutcomeHasItsProbability) {
  const AugmentGolden golden("autoaugment.safetensors");
  const auto expected = expected_outcomes(Policy(golden));
  std::map<Outcome, int> counts;
  for (std::uint32_t i = 0; i < kDraws; ++i) ++counts[outcome_of(draw(i, 32, 32))];

  const auto n = static_cast<double>(kDraws);
  for (const auto& [outcome, count] : counts)
    EXPECT_TRUE(expected.contains(outcome)) << count << " draws that the policy does not know";
  for (const auto& [outcome, probability] : expected) {
    const double deviation = std::sqrt(n * probability * (1.0 - probability));
    const auto found = counts.find(outcome);
    EXPECT_NEAR(found == counts.end() ? 0 : found->second, n * probability, kDeviations * deviation)
        << outcome.size() << " steps, first of operation "
        << (outcome.empty() ? -1 : static_cast<int>(outcome.front().first));
  }
}

TEST(AutoAugment, BothSignsAreEquallyLikely) {
  std::map<U8Op, std::pair<double, double>> counts;  // all, and the negative ones
  for (std::uint32_t i = 0; i < kDraws; ++i)
    for (const auto& [op, magnitude] : outcome_of(draw(i, 32, 32))) {
      counts[op].first += 1.0;
      counts[op].second += std::signbit(magnitude) ? 1.0 : 0.0;
    }
  EXPECT_EQ(counts.size(), 13U);  // the policy has no ShearX
  for (const auto& [op, count] : counts) {
    const double share = op <= U8Op::kSharpness ? 0.5 : 0.0;
    EXPECT_NEAR(count.second, share * count.first, kDeviations * share * std::sqrt(count.first))
        << static_cast<int>(op);
  }
}

TEST(AutoAugment, OnlyTranslationsDependOnTheSize) {
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const Outcome small = outcome_of(draw(i, 32, 32));
    const Outcome large = outcome_of(draw(i, 96, 64));
    ASSERT_EQ(small.size(), large.size());
    for (std::size_t step = 0; step < small.size(); ++step) {
      const auto [op, magnitude] = small[step];
      ASSERT_EQ(op, large[step].first);
      const float factor = op == U8Op::kTranslateX ? 2.0F : op == U8Op::kTranslateY ? 3.0F : 1.0F;
      EXPECT_NEAR(large[step].second, factor * magnitude, 1e-4F);
    }
  }
}

TEST(AutoAugment, TheSameKeyGivesTheSameDrawAndOthersDiffer) {
  int differing = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    EXPECT_EQ(outcome_of(draw(i, 32, 32)), outcome_of(draw(i, 32, 32)));
    differing += outcome_of(draw(i, 32, 32)) != outcome_of(draw(i + 1, 32, 32)) ? 1 : 0;
  }
  EXPECT_GT(differing, 80);
}

TEST(AutoAugment, AsManyStepsAsCountedAreApplied) {
  const AutoAugmentParams both{{{{U8Op::kInvert, 0.0F}, {U8Op::kPosterize, 1.0F}}}, 2};
  U8Scratch scratch;
  for (int count = 0; count <= 2; ++count) {
    AutoAugmentParams params = both;
    params.count = count;
    std::vector<std::uint8_t> rgb{1, 2, 200};
    apply_autoaugment(rgb, 1, 1, params, scratch);
    const std::vector<std::vector<std::uint8_t>> expected{
        {1, 2, 200}, {254, 253, 55}, {128, 128, 0}};
    EXPECT_EQ(rgb, expected.at(static_cast<std::size_t>(count))) << count;
  }
}

TEST(AutoAugment, AnyDrawFitsAnyImage) {
  U8Scratch scratch;
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 4}})
    for (std::uint32_t i = 0; i < 300; ++i) {
      std::vector<std::uint8_t> rgb(static_cast<std::size_t>(height * width * 3), 100);
      apply_autoaugment(rgb, height, width, draw(i, height, width), scratch);
    }
}

}  // namespace
}  // namespace simclr
