#pragma once

#include <cstdint>

#include "simclr/kernels/batch_norm.h"
#include "simclr/kernels/panels.h"

namespace simclr {

/// Largest values of windows: 3x3, stride 2, padding 1 (ImageNet stem), or 2x2, stride 2.
struct PoolShape {
  std::int64_t window = 3;
  std::int64_t pad = 1;
  PanelMap in;

  PanelMap out_map() const {
    const auto side = [this](std::int64_t s) { return (s + 2 * pad - window) / 2 + 1; };
    return {in.channels, side(in.height), side(in.width), in.batch};
  }
};

/// out = largest of relu(scale * y + shift) in each window; `where` gets the place in the window,
/// row by row, the first of equals. NaN wins.
/// @param y  shape.in  @param out  shape.out_map()  @param where  u8, as many as floats in out
void norm_relu_max_pool(const PoolShape& shape, const float* y, const ChannelNorm& norm, float* out,
                        std::uint8_t* where);

/// The gradient with respect to the pool's input, before the relu's gate: each window's goes where
/// its value came from.
/// @param dx  shape.in, written
void max_pool_gradient(const PoolShape& shape, const float* dy, const std::uint8_t* where,
                       float* dx);

/// Mean over the positions: map -> f32 [batch, channels], row by row.
void average_pool(const PanelMap& map, const float* x, float* features);
/// @param dx  map, written
void average_pool_gradient(const PanelMap& map, const float* gradient, float* dx);

}  // namespace simclr
