#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace simclr::cli {

/// Does so many units of work and says how many seconds they took, on whatever clock it chooses.
using Work = std::function<double(std::int64_t units)>;

/// Seconds a unit, over the rounds.
struct Timing {
  double median = 0.0;
  double low = 0.0;
  double high = 0.0;
};

/// At least this many, so that the median means something.
inline constexpr int kRounds = 7;

/// Times several sides in turn, kRounds times, so that what else the machine does befalls each
/// alike. Every side is warmed up first, until it is known how many units fill its share of a
/// round.
/// @param seconds  for all rounds of one side, about
std::vector<Timing> time_in_turn(const std::vector<Work>& sides, double seconds);

}  // namespace simclr::cli
