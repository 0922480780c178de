#pragma once

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <cstdint>

#include "simclr/model/simclr_model.h"

namespace simclr {

/// Streams of `pattern` that no parameter has.
constexpr std::uint32_t kInputStream = 1000;
constexpr std::uint32_t kLossStream = 1001;

/// A number in [-1, 1), a hash of (stream, position): the same as in tests/golden/make_model.py.
inline double pattern(std::uint32_t stream, std::uint32_t position) {
  std::uint32_t h = stream * 0x9E3779B1U + position * 0x85EBCA6BU;
  h = (h ^ (h >> 15)) * 0x2C1B3C6DU;
  h = (h ^ (h >> 12)) * 0x297A2D39U;
  h ^= h >> 15;
  return (h >> 8) * 0x1p-23 - 1.0;
}

/// f32 of this shape, each element scale * pattern + shift.
inline at::Tensor patterned(at::IntArrayRef shape, std::uint32_t stream, double scale = 1.0,
                            double shift = 0.0) {
  at::Tensor tensor = at::empty(shape);
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i)
    values[i] = static_cast<float>(pattern(stream, static_cast<std::uint32_t>(i)) * scale + shift);
  return tensor;
}

/// Views in [0, 1], channels-last in memory as those of the loader are.
inline at::Tensor patterned_views(std::int64_t count, std::int64_t side) {
  return patterned({count, 3, side, side}, kInputStream, 0.5, 0.5)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

/// Gives every parameter a pattern of the size that initial weights have.
inline void fill_with_patterns(SimclrModel& model) {
  const c10::NoGradGuard no_grad;
  std::uint32_t index = 0;
  for (const auto& [name, parameter] : model.parameters()) {
    const at::IntArrayRef shape = parameter.sizes();
    double scale = 0.125;
    if (shape.size() == 4)
      scale = std::sqrt(6.0 / static_cast<double>(shape[0] * shape[2] * shape[3]));
    if (shape.size() == 2) scale = 1.0 / std::sqrt(static_cast<double>(shape[1]));
    const bool batch_norm_weight = shape.size() == 1 && name.ends_with(".weight");
    parameter.copy_(patterned(shape, index++, scale, batch_norm_weight ? 1.0 : 0.0));
  }
}

}  // namespace simclr
