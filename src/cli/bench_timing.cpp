#include "cli/bench_timing.h"

#include <algorithm>
#include <cmath>

namespace simclr::cli {
namespace {

/// Units that take about `seconds`; finding out is the warming up.
std::int64_t calibrate(const Work& side, double seconds) {
  constexpr std::int64_t kMostUnits = 1'000'000'000;
  std::int64_t units = 1;
  double taken = side(units);
  while (taken < 0.5 * seconds && units < kMostUnits) {
    const double factor = taken > 0.0 ? std::clamp(seconds / taken, 1.5, 10.0) : 10.0;
    units = std::min(static_cast<std::int64_t>(std::ceil(static_cast<double>(units) * factor)),
                     kMostUnits);
    taken = side(units);
  }
  const double fitting = static_cast<double>(units) * seconds / std::max(taken, 1e-9);
  return std::clamp(static_cast<std::int64_t>(fitting), std::int64_t{1}, kMostUnits);
}

Timing summary(std::vector<double> rounds) {
  std::sort(rounds.begin(), rounds.end());
  return {rounds[rounds.size() / 2], rounds.front(), rounds.back()};
}

}  // namespace

std::vector<Timing> time_in_turn(const std::vector<Work>& sides, double seconds) {
  std::vector<std::int64_t> units;
  for (const Work& side : sides) units.push_back(calibrate(side, seconds / kRounds));
  std::vector<std::vector<double>> rounds(sides.size());
  for (int round = 0; round < kRounds; ++round)
    for (std::size_t i = 0; i < sides.size(); ++i)
      rounds[i].push_back(sides[i](units[i]) / static_cast<double>(units[i]));
  std::vector<Timing> timings;
  for (const std::vector<double>& side : rounds) timings.push_back(summary(side));
  return timings;
}

}  // namespace simclr::cli
