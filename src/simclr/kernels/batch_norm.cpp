#include "simclr/kernels/batch_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/batch_norm.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#ifndef SIMCLR_KERNELS_BATCH_NORM_ONCE
#define SIMCLR_KERNELS_BATCH_NORM_ONCE
namespace simclr {

/// Rows of one panel, 16 floats each; channel numbers point at the panel's first.
struct NormRows {
  std::int64_t rows = 0;
  const float* y = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  Shortcut other;  ///< its map likewise
  float* out = nullptr;
  bool relu = false;
};

enum class Other { kNone, kMap, kNorm, kNormRelu };

}  // namespace simclr
#endif

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using NormLanes = hn::CappedTag<float, kPanel>;
inline constexpr std::int64_t kNormLanes = static_cast<std::int64_t>(hn::MaxLanes(NormLanes()));

/// out = [relu](scale * y + shift [+ other]).
template <Other kOther, bool kRelu>
HWY_ATTR void apply_rows_as(const NormRows& r) {
  constexpr NormLanes d;
  for (std::int64_t lane = 0; lane < kPanel; lane += kNormLanes) {
    const auto scale = hn::LoadU(d, r.scale + lane);
    const auto shift = hn::LoadU(d, r.shift + lane);
    auto other_scale = hn::Zero(d), other_shift = hn::Zero(d);
    if constexpr (kOther == Other::kNorm || kOther == Other::kNormRelu) {
      other_scale = hn::LoadU(d, r.other.scale + lane);
      other_shift = hn::LoadU(d, r.other.shift + lane);
    }
    for (std::int64_t i = lane; i < r.rows * kPanel; i += kPanel) {
      auto value = hn::MulAdd(scale, hn::LoadU(d, r.y + i), shift);
      if constexpr (kOther != Other::kNone) {
        auto other = hn::LoadU(d, r.other.map + i);
        if constexpr (kOther != Other::kMap) other = hn::MulAdd(other_scale, other, other_shift);
        if constexpr (kOther == Other::kNormRelu) other = hn::Max(other, hn::Zero(d));
        value = hn::Add(value, other);
      }
      if constexpr (kRelu) value = hn::Max(value, hn::Zero(d));
      hn::StoreU(value, d, r.out + i);
    }
  }
}

template <Other kOther>
HWY_ATTR void apply_rows_with(const NormRows& r) {
  if (r.relu) return apply_rows_as<kOther, true>(r);
  apply_rows_as<kOther, false>(r);
}

HWY_ATTR void apply_rows(const NormRows& r) {
  if (r.other.map == nullptr) return apply_rows_with<Other::kNone>(r);
  if (r.other.scale == nullptr) return apply_rows_with<Other::kMap>(r);
  if (!r.other.relu) return apply_rows_with<Other::kNorm>(r);
  apply_rows_with<Other::kNormRelu>(r);
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <cmath>

#include "simclr/kernels/norm_blocks.h"

namespace simclr {
namespace {

HWY_EXPORT(apply_rows);

void set_scale(const NormState& state, const ChannelNorm& norm, std::int64_t c, double mean,
               double variance) {
  const double inverse = 1.0 / std::sqrt(variance + kNormEpsilon);
  const double scale = static_cast<double>(state.gamma[c]) * inverse;
  norm.mean[c] = static_cast<float>(mean);
  norm.inverse_deviation[c] = static_cast<float>(inverse);
  norm.scale[c] = static_cast<float>(scale);
  norm.shift[c] = static_cast<float>(static_cast<double>(state.beta[c]) - mean * scale);
}

void move_towards(float& running, double value) {
  running = static_cast<float>((1.0 - kNormMomentum) * static_cast<double>(running) +
                               kNormMomentum * value);
}

}  // namespace

void norm_of_moments(const TaskParts<PanelMoments>& parts, const NormState& state,
                     const ChannelNorm& norm) {
  for (std::int64_t c = 0; c < parts.panels() * kPanel; ++c) {
    const ChannelMoments moments = moments_of(parts, c);
    set_scale(state, norm, c, moments.mean, moments.variance);
    move_towards(state.running_mean[c], moments.mean);
    move_towards(state.running_variance[c], moments.variance * moments.n / (moments.n - 1.0));
  }
}

void norm_of_batch(const PanelMap& map, const float* y, const NormState& state,
                   const ChannelNorm& norm) {
  TaskParts<PanelMoments> parts;
  parts.reset(blocks_of(map), map.panels());
  for_each_position(map, [&](std::int64_t panel, std::int64_t offset, std::int64_t block) {
    float* rows = const_cast<float*>(y) + offset;  // only read
    add_moments({block, panel, &rows, 1, map.batch}, parts.at(block, panel));
  });
  norm_of_moments(parts, state, norm);
}

void norm_of_running(std::int64_t channels, const NormState& state, const ChannelNorm& norm) {
  for (std::int64_t c = 0; c < channels; ++c)
    set_scale(state, norm, c, static_cast<double>(state.running_mean[c]),
              static_cast<double>(state.running_variance[c]));
}

namespace {

/// The norm applied to some rows, which lie `offset` into their map.
void apply_to(std::int64_t panel, std::int64_t offset, std::int64_t rows, const float* y,
              const ChannelNorm& norm, const Shortcut& shortcut, bool relu, float* out) {
  const std::int64_t c = panel * kPanel;
  Shortcut other = shortcut;
  if (other.map != nullptr) other.map += offset;
  if (other.scale != nullptr) {
    other.scale += c;
    other.shift += c;
  }
  HWY_DYNAMIC_DISPATCH(apply_rows)
  ({.rows = rows,
    .y = y,
    .scale = norm.scale + c,
    .shift = norm.shift + c,
    .other = other,
    .out = out,
    .relu = relu});
}

}  // namespace

void apply_norm(const PanelMap& map, const float* y, const ChannelNorm& norm,
                const Shortcut& shortcut, bool relu, float* out) {
  for_each_position(map, [&](std::int64_t panel, std::int64_t offset, std::int64_t /*block*/) {
    apply_to(panel, offset, map.batch, y + offset, norm, shortcut, relu, out + offset);
  });
}

void apply_norm(const Stretch& stretch, const float* map, const ChannelNorm& norm,
                const Shortcut& shortcut, bool relu) {
  for (std::int64_t p = 0; p < stretch.positions; ++p) {
    float* y = stretch.rows[p];
    apply_to(stretch.panel, y - map, stretch.images, y, norm, shortcut, relu, y);
  }
}

}  // namespace simclr
#endif  // HWY_ONCE
