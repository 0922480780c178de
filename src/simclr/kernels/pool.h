#pragma once

#include <cstdint>

#include "simclr/kernels/norm_gradient.h"
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

/// What backward needs of a pool.
struct PoolKept {
  std::uint8_t* where = nullptr;  ///< place in the window, row by row; as many as floats in out
  float* y = nullptr;             ///< the y there, as shape.out_map(); not kept if null
};

/// out = largest of relu(scale * y + shift) in each window, the first of equals. NaN wins.
/// @param y  shape.in  @param out  shape.out_map()
void norm_relu_max_pool(const PoolShape& shape, const float* y, const ChannelNorm& norm, float* out,
                        const PoolKept& kept);

/// The gradient with respect to y of a part of shape.in, on this thread, after gate_and_sum over
/// shape.out_map() with Gate::kOwn and kept.y: each window's goes where its value came from.
/// @param gradient  of `out`, not gated  @param dy  part.map(channels), written
void norm_relu_max_pool_gradient(const PoolShape& shape, const MapPart& part, const float* gradient,
                                 const std::uint8_t* where, const float* y, const ChannelNorm& norm,
                                 const NormLine& line, float* dy);

/// Mean over the positions: map -> f32 [batch, channels], row by row.
void average_pool(const PanelMap& map, const float* x, float* features);
/// @param dx  map, written
void average_pool_gradient(const PanelMap& map, const float* gradient, float* dx);

}  // namespace simclr
