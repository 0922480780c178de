#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "simclr/augment/view.h"
#include "tests/augment/seed_settings.h"

// Many draws of views, and what chance allows them.
namespace simclr {

constexpr std::uint32_t kDraws = 20000;
constexpr int kViewSide = 32;

// Keys are fixed, so these tests do not flicker; at the thresholds one sound generator in a
// thousand (Kolmogorov-Smirnov, chi-square) or in ten thousand (frequencies) would fail.
constexpr double kKolmogorovFactor = 1.95;
constexpr double kFrequencyDeviations = 3.9;

inline std::vector<ViewParams> draw_many(const Pipeline& settings, int height, int width,
                                         int side = kViewSide) {
  std::vector<ViewParams> draws;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    Random random(RandomKey{.seed = 5, .purpose = Purpose::kView, .sample = i});
    draws.push_back(draw_view(settings, height, width, side, random));
  }
  return draws;
}

/// Largest distance between the samples' distribution function and `expected`, in units of what
/// chance allows: above 1 the samples are not from it.
inline double kolmogorov(std::vector<double> samples,
                         const std::function<double(double)>& expected) {
  std::sort(samples.begin(), samples.end());
  const auto n = static_cast<double>(samples.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double value = expected(samples[i]);
    largest = std::max({largest, std::abs(value - static_cast<double>(i) / n),
                        std::abs(value - static_cast<double>(i + 1) / n)});
  }
  return largest * std::sqrt(n) / kKolmogorovFactor;
}

inline std::function<double(double)> uniform(double low, double high) {
  return [low, high](double x) { return std::clamp((x - low) / (high - low), 0.0, 1.0); };
}

template <class Value>
std::vector<double> each(const std::vector<ViewParams>& draws, Value value) {
  std::vector<double> values;
  for (const ViewParams& draw : draws) values.push_back(static_cast<double>(value(draw)));
  return values;
}

template <class Predicate>
void expect_frequency(const std::vector<ViewParams>& draws, double probability, Predicate holds) {
  const auto n = static_cast<double>(draws.size());
  const auto count = static_cast<double>(std::count_if(draws.begin(), draws.end(), holds));
  const double deviation = std::sqrt(n * probability * (1.0 - probability));
  EXPECT_NEAR(count, n * probability, kFrequencyDeviations * deviation);
}

template <class Step>
bool has_step(const ViewParams& draw) {
  return find_step<Step>(draw) != nullptr;
}

}  // namespace simclr
