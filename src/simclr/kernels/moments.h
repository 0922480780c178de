#pragma once

#include <array>
#include <cstdint>

#include "simclr/kernels/epilogue.h"

namespace simclr {

/// Sums over values of 16 channels, each around a value of its own: so squares do not cancel.
struct PanelMoments {
  std::array<float, kPanel> pivot{};    ///< the first row
  std::array<double, kPanel> first{};   ///< sum of (value - pivot)
  std::array<double, kPanel> second{};  ///< sum of its squares
  std::int64_t rows = 0;
};

/// Adds every row of a stretch.
void add_moments(const Stretch& stretch, PanelMoments& to);

/// Of one channel over the whole batch.
struct ChannelMoments {
  double mean = 0.0;
  double variance = 0.0;  ///< over n
  double n = 0.0;
};

/// Puts a channel's parts together, in their order (Chan, Golub & LeVeque 1979); those without rows
/// count as nothing.
ChannelMoments moments_of(const TaskParts<PanelMoments>& parts, std::int64_t channel);

}  // namespace simclr
