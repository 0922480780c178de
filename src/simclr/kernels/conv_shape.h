#pragma once

#include <cstdint>

#include "simclr/kernels/panels.h"

namespace simclr {

/// A square convolution with padding kernel / 2, without bias.
struct ConvShape {
  std::int64_t in_channels = 0;   ///< Cin
  std::int64_t out_channels = 0;  ///< Cout
  std::int64_t kernel = 3;        ///< 1 or 3
  std::int64_t stride = 1;        ///< 1 or 2
  std::int64_t height = 0;        ///< of the input
  std::int64_t width = 0;
  std::int64_t batch = 0;

  std::int64_t taps() const { return kernel * kernel; }
  PanelMap in_map() const { return {in_channels, height, width, batch}; }
  PanelMap out_map() const {
    return {out_channels, (height - 1) / stride + 1, (width - 1) / stride + 1, batch};
  }
  /// Floats of the weights, channels-last: [Cout, kernel, kernel, Cin].
  std::int64_t weights() const { return out_channels * taps() * in_channels; }
  bool operator==(const ConvShape&) const = default;
};

/// What a convolution reads: a map, or relu(scale * map + shift), the norm before it, applied as
/// the map is read.
struct ConvInput {
  ConvInput(const float* as_it_is) : map(as_it_is) {}  // NOLINT: most inputs are just a map
  ConvInput(const float* before, const float* scales, const float* shifts)
      : map(before), scale(scales), shift(shifts) {}

  const float* map;
  const float* scale = nullptr;  ///< [Cin]; null: the map as it is
  const float* shift = nullptr;  ///< [Cin]
};

}  // namespace simclr
