#include "simclr/kernels/norm_gradient.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/kernels/maps.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

constexpr double kRounding = 2e-6;  ///< of values around 1, from sums over some hundred
const PanelMap kMap{32, 3, 4, 5};

/// A norm's numbers and state, with memory of their own.
struct Norm {
  explicit Norm(std::int64_t channels)
      : numbers(static_cast<std::size_t>(4 * channels)),
        gamma(random_floats(channels, 4)),
        beta(random_floats(channels, 5)),
        running_mean(random_floats(channels, 6)),
        running_variance(static_cast<std::size_t>(channels), 0.5F) {
    float* at = numbers.data();
    channel = {at, at + channels, at + 2 * channels, at + 3 * channels};
    state = {gamma.data(), beta.data(), running_mean.data(), running_variance.data()};
  }
  Values numbers, gamma, beta, running_mean, running_variance;
  ChannelNorm channel;
  NormState state;
};

void normalise(const PanelMap& map, const Values& y, Norm& norm) {
  norm_of_batch(map, y.data(), norm.state, norm.channel);
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

Moments moments_of(const PanelMap& map, const Values& y, std::int64_t channel) {
  Moments m;
  const auto n = static_cast<double>(map.values());
  const auto each = [&](auto body) {
    for (std::int64_t p = 0; p < map.positions(); ++p)
      for (std::int64_t i = 0; i < map.batch; ++i)
        body(static_cast<double>(element(map, y, channel, p, i)));
  };
  each([&](double v) { m.mean += v / n; });
  each([&](double v) { m.variance += (v - m.mean) * (v - m.mean) / n; });
  return m;
}

TEST(BatchNorm, StatisticsAreTheBatchsOnEveryTarget) {
  const Values y = random_map(kMap, 1);
  const auto n = static_cast<double>(kMap.values());
  for_every_target([&](const std::string& target) {
    Norm norm(kMap.channels);
    const Values mean_before = norm.running_mean;
    normalise(kMap, y, norm);
    for (std::int64_t c = 0; c < kMap.channels; ++c) {
      const auto at = static_cast<std::size_t>(c);
      const Moments expected = moments_of(kMap, y, c);
      EXPECT_NEAR(norm.channel.mean[c], expected.mean, kRounding) << target;
      EXPECT_NEAR(norm.channel.inverse_deviation[c], 1.0 / std::sqrt(expected.variance + 1e-5),
                  kRounding * 4)
          << target;
      EXPECT_NEAR(norm.running_mean[at],
                  0.9 * static_cast<double>(mean_before[at]) + 0.1 * expected.mean, kRounding);
      EXPECT_NEAR(norm.running_variance[at], 0.9 * 0.5 + 0.1 * expected.variance * n / (n - 1.0),
                  kRounding);
    }
  });
}

TEST(BatchNorm, ALargeMeanDoesNotDrownASmallDeviation) {
  Values y = random_map(kMap, 1);
  for (float& value : y) value = 1000.0F + 0.01F * value;
  Norm norm(kMap.channels);
  normalise(kMap, y, norm);
  for (std::int64_t c = 0; c < kMap.channels; ++c) {
    const Moments expected = moments_of(kMap, y, c);
    const double found = norm.channel.inverse_deviation[c];
    EXPECT_NEAR(found * std::sqrt(expected.variance + 1e-5), 1.0, 1e-4);
  }
}

TEST(BatchNorm, RunningStatisticsAreUsedAsTheyAre) {
  Norm norm(kMap.channels);
  const Values mean = norm.running_mean;
  norm_of_running(kMap.channels, norm.state, norm.channel);
  EXPECT_EQ(norm.running_mean, mean);
  const Values y = random_map(kMap, 1);
  Values out(y.size(), NAN);
  apply_norm(kMap, y.data(), norm.channel, {}, false, out.data());
  for (std::int64_t c = 0; c < kMap.channels; ++c) {
    const auto at = static_cast<std::size_t>(c);
    const double expected = (static_cast<double>(element(kMap, y, c, 2, 1)) - mean[at]) /
                                std::sqrt(0.5 + 1e-5) * norm.gamma[at] +
                            norm.beta[at];
    EXPECT_NEAR(element(kMap, out, c, 2, 1), expected, kRounding);
  }
}

TEST(BatchNorm, AppliesReluAndShortcutsOnEveryTarget) {
  const Values y = random_map(kMap, 1);
  const Values other = random_map(kMap, 2);
  Norm norm(kMap.channels);
  normalise(kMap, y, norm);
  Norm side(kMap.channels);
  normalise(kMap, other, side);
  for_every_target([&](const std::string& target) {
    for (const bool relu : {false, true})
      for (const int kind : {0, 1, 2, 3}) {
        Shortcut shortcut;
        if (kind > 0) shortcut.map = other.data();
        if (kind > 1) {
          shortcut.scale = side.channel.scale;
          shortcut.shift = side.channel.shift;
          shortcut.relu = kind > 2;
        }
        Values out(y.size(), NAN);
        apply_norm(kMap, y.data(), norm.channel, shortcut, relu, out.data());
        for (std::int64_t c = 0; c < kMap.channels; ++c)
          for (std::int64_t p = 0; p < kMap.positions(); ++p) {
            const float o = element(kMap, other, c, p, 4);
            float expected =
                norm.channel.scale[c] * element(kMap, y, c, p, 4) + norm.channel.shift[c];
            const float normed = side.channel.scale[c] * o + side.channel.shift[c];
            if (kind == 1) expected += o;
            if (kind == 2) expected += normed;
            if (kind == 3) expected += std::max(normed, 0.0F);
            if (relu) expected = std::max(expected, 0.0F);
            EXPECT_NEAR(element(kMap, out, c, p, 4), expected, kRounding) << target << kind;
          }
      }
  });
}

/// sum of gradient * relu(norm(y)) of one channel, in f64, with its statistics from y.
double objective(const PanelMap& map, const std::vector<double>& y, const Values& gradient,
                 const Norm& norm, std::int64_t c, Gate gate, const Values& output) {
  const auto n = static_cast<double>(map.values());
  const auto each = [&](auto body) {
    for (std::int64_t p = 0; p < map.positions(); ++p)
      for (std::int64_t i = 0; i < map.batch; ++i) body(p, i, element(map, y, c, p, i));
  };
  double mean = 0.0, variance = 0.0, sum = 0.0;
  each([&](std::int64_t, std::int64_t, double v) { mean += v / n; });
  each([&](std::int64_t, std::int64_t, double v) { variance += (v - mean) * (v - mean) / n; });
  each([&](std::int64_t p, std::int64_t i, double v) {
    const auto at = static_cast<std::size_t>(c);
    double out = (v - mean) / std::sqrt(variance + 1e-5) * norm.gamma[at] + norm.beta[at];
    if (gate == Gate::kOwn) out = std::max(out, 0.0);
    if (gate == Gate::kOutput && element(map, output, c, p, i) <= 0.0F) out = 0.0;
    sum += static_cast<double>(element(map, gradient, c, p, i)) * out;
  });
  return sum;
}

/// Part by part the gradient is what it is for the whole map.
void expect_parts(const PanelMap& map, const Values& g, const GatedNorm& by, const NormLine& line,
                  const Values& dy) {
  const MapPart part{1, map.batch - 2, 2, map.positions() - 3};
  const PanelMap small = part.map(map.channels);
  Values found(static_cast<std::size_t>(small.size()), NAN);
  norm_input_gradient(map, part, g.data(), by, line, found.data());
  for (std::int64_t c = 0; c < map.channels; ++c)
    for (std::int64_t p = 0; p < part.positions; ++p)
      for (std::int64_t n = 0; n < part.images; ++n)
        ASSERT_EQ(element(small, found, c, p, n),
                  element(map, dy, c, part.position + p, part.image + n));
}

TEST(BatchNorm, GradientEqualsCentralDifferencesOnEveryTarget) {
  constexpr double kStep = 1e-4;
  const PanelMap map{16, 2, 3, 4};
  const Values y = random_map(map, 1);
  const Values gradient = random_map(map, 2);
  const Values output = random_map(map, 3);
  Norm norm(map.channels);
  normalise(map, y, norm);
  for_every_target([&](const std::string& target) {
    for (const Gate gate : {Gate::kNone, Gate::kOwn, Gate::kOutput}) {
      Values g = gradient;
      Values dgamma(16), dbeta(16), dy(y.size(), NAN);
      const NormGradient sums{dgamma.data(), dbeta.data()};
      const GatedNorm by{gate, output.data(), y.data(), norm.channel};
      gate_and_sum(map, g.data(), by, sums);
      const NormLine line = norm_line(map, norm.channel, sums, true);
      norm_input_gradient(map, g.data(), by, line, dy.data());
      expect_parts(map, g, by, line, dy);
      for (std::int64_t c = 0; c < map.channels; ++c)
        for (std::int64_t p = 0; p < map.positions(); ++p) {
          std::vector<double> moved(y.begin(), y.end());
          element(map, moved, c, p, 2) += kStep;
          const double up = objective(map, moved, gradient, norm, c, gate, output);
          element(map, moved, c, p, 2) -= 2 * kStep;
          const double down = objective(map, moved, gradient, norm, c, gate, output);
          EXPECT_NEAR(element(map, dy, c, p, 2), (up - down) / (2 * kStep), 2e-5)
              << target << ", gate " << static_cast<int>(gate);
        }
    }
  });
}

TEST(BatchNorm, WithRunningStatisticsTheGradientIsScaledOnly) {
  const Values y = random_map(kMap, 1);
  Values g = random_map(kMap, 2);
  Norm norm(kMap.channels);
  norm_of_running(kMap.channels, norm.state, norm.channel);
  Values dgamma(32), dbeta(32), dy(y.size(), NAN);
  const NormGradient sums{dgamma.data(), dbeta.data()};
  const GatedNorm by{Gate::kNone, nullptr, y.data(), norm.channel};
  gate_and_sum(kMap, g.data(), by, sums);
  norm_input_gradient(kMap, g.data(), by, norm_line(kMap, norm.channel, sums, false), dy.data());
  EXPECT_FLOAT_EQ(element(kMap, dy, 17, 3, 2), norm.channel.scale[17] * element(kMap, g, 17, 3, 2));
  double beta = 0.0;
  for (std::int64_t p = 0; p < kMap.positions(); ++p)
    for (std::int64_t n = 0; n < kMap.batch; ++n)
      beta += static_cast<double>(element(kMap, g, 17, p, n));
  EXPECT_NEAR(dbeta[17], beta, 1e-5);
}

TEST(BatchNorm, GivesTheSameBitsForAnyNumberOfThreads) {
  const PanelMap map{32, 16, 16, 33};
  const Values y = random_map(map, 1);
  const auto numbers = [&] {
    Norm norm(map.channels);
    normalise(map, y, norm);
    return norm.numbers;
  };
  const Values expected = numbers();
  for (const int threads : {1, 3, 5}) {
    const Threads set(threads);
    EXPECT_EQ(numbers(), expected);
  }
}

}  // namespace
}  // namespace simclr
