#include "simclr/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace simclr {
namespace {

using Block = std::array<std::uint32_t, 4>;

constexpr int kDraws = 100'000;
// Four standard errors of the mean of kDraws numbers with standard deviation 1; keys are fixed, so
// a test that passes once passes always.
const double kFourErrors = 4.0 / std::sqrt(static_cast<double>(kDraws));

Random stream(std::uint64_t seed) { return Random({seed, Purpose::kView, 1, 2, 3}); }

// The known-answer vectors of Random123 (Salmon et al. 2011) for philox4x32 with 10 rounds.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, StreamIsTheBlocksOfItsKeyInOrder) {
  Random random({0x0123456789abcdefULL, Purpose::kShuffle, 7, 11, 5});
  for (std::uint32_t block = 0; block < 3; ++block) {
    const Block expected = philox4x32({block, 11, 7, (2U << 16) | 5U}, {0x89abcdef, 0x01234567});
    for (const std::uint32_t value : expected) EXPECT_EQ(random.next(), value);
  }
}

TEST(Random, EveryPartOfTheKeyMatters) {
  const RandomKey base{1, Purpose::kView, 1, 1, 1};
  RandomKey high_seed = base;
  high_seed.seed += std::uint64_t{1} << 32;
  std::set<std::uint32_t> firsts;
  for (const RandomKey& key :
       {base, RandomKey{2, Purpose::kView, 1, 1, 1}, RandomKey{1, Purpose::kInit, 1, 1, 1},
        RandomKey{1, Purpose::kView, 2, 1, 1}, RandomKey{1, Purpose::kView, 1, 2, 1},
        RandomKey{1, Purpose::kView, 1, 1, 2}, high_seed}) {
    firsts.insert(Random(key).next());
  }
  EXPECT_EQ(firsts.size(), 7U);
}

TEST(Random, UniformFillsTheUnitIntervalEvenly) {
  Random random = stream(1);
  double sum = 0.0;
  std::array<int, 10> tenths{};
  for (int i = 0; i < kDraws; ++i) {
    const float value = random.uniform();
    ASSERT_GE(value, 0.0F);
    ASSERT_LT(value, 1.0F);
    sum += static_cast<double>(value);
    ++tenths[static_cast<std::size_t>(value * 10.0F)];
  }
  EXPECT_NEAR(sum / kDraws, 0.5, kFourErrors * std::sqrt(1.0 / 12.0));
  for (const int count : tenths) EXPECT_NEAR(count / double{kDraws}, 0.1, kFourErrors * 0.3);
}

TEST(Random, UniformKeepsToItsRange) {
  Random random = stream(2);
  for (int i = 0; i < 1000; ++i) {
    const float value = random.uniform(-2.0F, 3.0F);
    ASSERT_GE(value, -2.0F);
    ASSERT_LE(value, 3.0F);
  }
  EXPECT_EQ(random.uniform(0.25F, 0.25F), 0.25F);
}

TEST(Random, BelowGivesEveryValueAlike) {
  Random random = stream(3);
  std::array<int, 7> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts.at(random.below(7));
  for (const int count : counts) EXPECT_NEAR(count / double{kDraws}, 1.0 / 7.0, kFourErrors * 0.35);
}

// Of 3 * 2^30 values, multiplying alone would give those divisible by 3 half of all draws.
TEST(Random, BelowIsUnbiasedWhereMultiplyingIsNot) {
  Random random = stream(4);
  int divisible = 0;
  for (int i = 0; i < kDraws; ++i) divisible += random.below(3U << 30) % 3 == 0 ? 1 : 0;
  EXPECT_NEAR(divisible / double{kDraws}, 1.0 / 3.0, kFourErrors * 0.48);
}

TEST(Random, BelowOneIsZero) {
  Random random = stream(5);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, ChanceComesAsOftenAsItSays) {
  Random random = stream(6);
  int hits = 0;
  for (int i = 0; i < kDraws; ++i) {
    hits += random.chance(0.2F) ? 1 : 0;
    ASSERT_FALSE(random.chance(0.0F));
    ASSERT_TRUE(random.chance(1.0F));
  }
  EXPECT_NEAR(hits / double{kDraws}, 0.2, kFourErrors * 0.4);
}

TEST(Random, NormalHasTheNormalMoments) {
  Random random = stream(7);
  double sum = 0.0;
  double squares = 0.0;
  double fourths = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = static_cast<double>(random.normal());
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
    fourths += value * value * value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, kFourErrors);
  EXPECT_NEAR(squares / kDraws, 1.0, kFourErrors * std::sqrt(2.0));
  EXPECT_NEAR(fourths / kDraws, 3.0, kFourErrors * std::sqrt(96.0));
}

TEST(Permutation, HoldsEveryNumberOnce) {
  for (const std::uint32_t n : {0U, 1U, 2U, 1000U}) {
    auto order = permutation(n, {1, Purpose::kShuffle, 0, 0, 0});
    std::sort(order.begin(), order.end());
    std::vector<std::uint32_t> expected(n);
    std::iota(expected.begin(), expected.end(), 0U);
    EXPECT_EQ(order, expected);
  }
}

TEST(Permutation, IsAFunctionOfItsKey) {
  const RandomKey key{1, Purpose::kShuffle, 3, 0, 0};
  const RandomKey next_epoch{1, Purpose::kShuffle, 4, 0, 0};
  EXPECT_EQ(permutation(100, key), permutation(100, key));
  EXPECT_NE(permutation(100, key), permutation(100, next_epoch));
}

TEST(Permutation, AllOrdersAreAsLikely) {
  constexpr int kTrials = 24'000;
  std::map<std::vector<std::uint32_t>, int> counts;
  for (std::uint32_t i = 0; i < kTrials; ++i) ++counts[permutation(4, {9, Purpose::kSplit, i})];
  ASSERT_EQ(counts.size(), 24U);
  double chi_square = 0.0;
  for (const auto& [order, count] : counts) chi_square += std::pow(count - 1000, 2) / 1000.0;
  EXPECT_LT(chi_square, 49.7);  // the 99.9 % point of chi-square with 23 degrees of freedom
}

}  // namespace
}  // namespace simclr
