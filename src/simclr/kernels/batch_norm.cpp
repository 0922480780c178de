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
  const float* other = nullptr;        ///< shortcut, or the output that gates
  const float* other_scale = nullptr;  ///< of a shortcut with a norm
  const float* other_shift = nullptr;
  const float* mean = nullptr;
  const float* slope = nullptr;  ///< of the gradient in y
  const float* constant = nullptr;
  float* gradient = nullptr;
  float* out = nullptr;
  bool relu = false;
};

}  // namespace simclr
#endif

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using NormLanes = hn::CappedTag<float, kPanel>;
inline constexpr std::int64_t kNormLanes = static_cast<std::int64_t>(hn::MaxLanes(NormLanes()));

/// sums[0..16) += sum of (y - mean), sums[16..32) += sum of its squares.
HWY_ATTR void moment_rows(const NormRows& r, double* sums) {
  constexpr NormLanes d;
  for (std::int64_t lane = 0; lane < kPanel; lane += kNormLanes) {
    const auto pivot = hn::LoadU(d, r.mean + lane);
    auto first = hn::Zero(d), first2 = hn::Zero(d);
    auto second = hn::Zero(d), second2 = hn::Zero(d);
    const float* y = r.y + lane;
    std::int64_t row = 0;
    for (; row + 2 <= r.rows; row += 2, y += 2 * kPanel) {
      const auto a = hn::Sub(hn::LoadU(d, y), pivot);
      const auto b = hn::Sub(hn::LoadU(d, y + kPanel), pivot);
      first = hn::Add(first, a);
      first2 = hn::Add(first2, b);
      second = hn::MulAdd(a, a, second);
      second2 = hn::MulAdd(b, b, second2);
    }
    if (row < r.rows) {
      const auto a = hn::Sub(hn::LoadU(d, y), pivot);
      first = hn::Add(first, a);
      second = hn::MulAdd(a, a, second);
    }
    alignas(64) float totals[2][kPanel];
    hn::StoreU(hn::Add(first, first2), d, totals[0]);
    hn::StoreU(hn::Add(second, second2), d, totals[1]);
    for (std::int64_t l = 0; l < kNormLanes; ++l) {
      sums[lane + l] += static_cast<double>(totals[0][l]);
      sums[kPanel + lane + l] += static_cast<double>(totals[1][l]);
    }
  }
}

/// out = [relu](scale * y + shift [+ other or other_scale * other + other_shift]).
template <bool kOther, bool kNormed, bool kRelu>
HWY_ATTR void apply_rows_as(const NormRows& r) {
  constexpr NormLanes d;
  for (std::int64_t lane = 0; lane < kPanel; lane += kNormLanes) {
    const auto scale = hn::LoadU(d, r.scale + lane);
    const auto shift = hn::LoadU(d, r.shift + lane);
    auto other_scale = hn::Zero(d), other_shift = hn::Zero(d);
    if constexpr (kNormed) {
      other_scale = hn::LoadU(d, r.other_scale + lane);
      other_shift = hn::LoadU(d, r.other_shift + lane);
    }
    for (std::int64_t i = lane; i < r.rows * kPanel; i += kPanel) {
      auto value = hn::MulAdd(scale, hn::LoadU(d, r.y + i), shift);
      if constexpr (kOther) {
        auto other = hn::LoadU(d, r.other + i);
        if constexpr (kNormed) other = hn::MulAdd(other_scale, other, other_shift);
        value = hn::Add(value, other);
      }
      if constexpr (kRelu) value = hn::Max(value, hn::Zero(d));
      hn::StoreU(value, d, r.out + i);
    }
  }
}

HWY_ATTR void apply_rows(const NormRows& r) {
  if (r.other == nullptr)
    return r.relu ? apply_rows_as<false, false, true>(r) : apply_rows_as<false, false, false>(r);
  if (r.other_scale == nullptr)
    return r.relu ? apply_rows_as<true, false, true>(r) : apply_rows_as<true, false, false>(r);
  return r.relu ? apply_rows_as<true, true, true>(r) : apply_rows_as<true, true, false>(r);
}

/// gradient = gated; sums[0..16) += sum of it, sums[16..32) += sum of it * (y - mean).
template <Gate kGate>
HWY_ATTR void gate_rows_as(const NormRows& r, double* sums) {
  constexpr NormLanes d;
  for (std::int64_t lane = 0; lane < kPanel; lane += kNormLanes) {
    const auto scale = hn::LoadU(d, r.scale + lane);
    const auto shift = hn::LoadU(d, r.shift + lane);
    const auto mean = hn::LoadU(d, r.mean + lane);
    auto first = hn::Zero(d), second = hn::Zero(d);
    for (std::int64_t i = lane; i < r.rows * kPanel; i += kPanel) {
      const auto y = hn::LoadU(d, r.y + i);
      auto g = hn::LoadU(d, r.gradient + i);
      if constexpr (kGate != Gate::kNone) {
        const auto gate =
            kGate == Gate::kOwn ? hn::MulAdd(scale, y, shift) : hn::LoadU(d, r.other + i);
        g = hn::IfThenElseZero(hn::Gt(gate, hn::Zero(d)), g);
        if constexpr (kGate == Gate::kOutput) hn::StoreU(g, d, r.gradient + i);
      }
      first = hn::Add(first, g);
      second = hn::MulAdd(g, hn::Sub(y, mean), second);
    }
    alignas(64) float totals[2][kPanel];
    hn::StoreU(first, d, totals[0]);
    hn::StoreU(second, d, totals[1]);
    for (std::int64_t l = 0; l < kNormLanes; ++l) {
      sums[lane + l] += static_cast<double>(totals[0][l]);
      sums[kPanel + lane + l] += static_cast<double>(totals[1][l]);
    }
  }
}

HWY_ATTR void gate_rows(const NormRows& r, Gate gate, double* sums) {
  switch (gate) {
    case Gate::kNone:
      return gate_rows_as<Gate::kNone>(r, sums);
    case Gate::kOwn:
      return gate_rows_as<Gate::kOwn>(r, sums);
    case Gate::kOutput:
      return gate_rows_as<Gate::kOutput>(r, sums);
  }
}

/// out = scale * gradient + slope * y + constant, the gradient gated by the norm's own output.
template <bool kGated>
HWY_ATTR void input_gradient_rows_as(const NormRows& r) {
  constexpr NormLanes d;
  for (std::int64_t lane = 0; lane < kPanel; lane += kNormLanes) {
    const auto scale = hn::LoadU(d, r.scale + lane);
    const auto slope = hn::LoadU(d, r.slope + lane);
    const auto constant = hn::LoadU(d, r.constant + lane);
    const auto shift = kGated ? hn::LoadU(d, r.shift + lane) : hn::Zero(d);
    for (std::int64_t i = lane; i < r.rows * kPanel; i += kPanel) {
      const auto y = hn::LoadU(d, r.y + i);
      auto g = hn::LoadU(d, r.gradient + i);
      if constexpr (kGated)
        g = hn::IfThenElseZero(hn::Gt(hn::MulAdd(scale, y, shift), hn::Zero(d)), g);
      hn::StoreU(hn::MulAdd(scale, g, hn::MulAdd(slope, y, constant)), d, r.out + i);
    }
  }
}

HWY_ATTR void input_gradient_rows(const NormRows& r) {
  if (r.relu) return input_gradient_rows_as<true>(r);
  input_gradient_rows_as<false>(r);
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <cmath>

#include "simclr/core/parallel.h"

namespace simclr {
namespace {

HWY_EXPORT(moment_rows);
HWY_EXPORT(apply_rows);
HWY_EXPORT(gate_rows);
HWY_EXPORT(input_gradient_rows);

constexpr std::int64_t kTaskRows = 2048;
constexpr std::int64_t kSums = 2 * kPanel;  ///< of a task

/// How the positions of a panel are shared out: by the map alone, for any number of threads.
std::int64_t blocks_of(const PanelMap& map) {
  return std::min(map.positions(), pieces_of(map.values(), kTaskRows));
}

/// Calls body(panel, offset of the position's first row, block) for every position of every panel.
template <class Body>
void for_each_position(const PanelMap& map, const Body& body) {
  const std::int64_t blocks = blocks_of(map);
  parallel_for(map.panels() * blocks, [&](std::int64_t task) {
    const std::int64_t panel = task / blocks;
    const std::int64_t end = piece_begin(map.positions(), blocks, task % blocks + 1);
    for (std::int64_t p = piece_begin(map.positions(), blocks, task % blocks); p < end; ++p)
      body(panel, map.offset(panel, p), task);
  });
}

/// Adds the blocks' sums of a channel, in order. @param which  0 or 1
double total(const PanelMap& map, const double* sums, std::int64_t channel, std::int64_t which) {
  const std::int64_t blocks = blocks_of(map);
  double result = 0.0;
  for (std::int64_t block = 0; block < blocks; ++block)
    result += sums[(channel / kPanel * blocks + block) * kSums + which * kPanel + channel % kPanel];
  return result;
}

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

std::int64_t norm_scratch_size(const PanelMap& map) {
  return map.panels() * blocks_of(map) * kSums;
}

void norm_of_batch(const PanelMap& map, const float* y, const NormState& state,
                   const ChannelNorm& norm, double* scratch) {
  std::fill_n(scratch, norm_scratch_size(map), 0.0);
  // Around a value of the channel itself, squares do not cancel.
  for_each_position(map, [&](std::int64_t panel, std::int64_t offset, std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(moment_rows)
    ({.rows = map.batch, .y = y + offset, .mean = y + map.offset(panel, 0)},
     scratch + task * kSums);
  });
  const auto n = static_cast<double>(map.values());
  for (std::int64_t c = 0; c < map.channels; ++c) {
    const auto pivot = static_cast<double>(y[map.offset(c / kPanel, 0) + c % kPanel]);
    const double first = total(map, scratch, c, 0) / n;
    const double variance = std::max(0.0, total(map, scratch, c, 1) / n - first * first);
    set_scale(state, norm, c, pivot + first, variance);
    move_towards(state.running_mean[c], pivot + first);
    move_towards(state.running_variance[c], variance * n / (n - 1.0));
  }
}

void norm_of_running(std::int64_t channels, const NormState& state, const ChannelNorm& norm) {
  for (std::int64_t c = 0; c < channels; ++c)
    set_scale(state, norm, c, static_cast<double>(state.running_mean[c]),
              static_cast<double>(state.running_variance[c]));
}

void apply_norm(const PanelMap& map, const float* y, const ChannelNorm& norm,
                const Shortcut& shortcut, bool relu, float* out) {
  for_each_position(map, [&](std::int64_t panel, std::int64_t offset, std::int64_t /*task*/) {
    const std::int64_t c = panel * kPanel;
    NormRows rows{.rows = map.batch,
                  .y = y + offset,
                  .scale = norm.scale + c,
                  .shift = norm.shift + c,
                  .out = out + offset,
                  .relu = relu};
    if (shortcut.map != nullptr) rows.other = shortcut.map + offset;
    if (shortcut.norm != nullptr) {
      rows.other_scale = shortcut.norm->scale + c;
      rows.other_shift = shortcut.norm->shift + c;
    }
    HWY_DYNAMIC_DISPATCH(apply_rows)(rows);
  });
}

void gate_and_sum(const PanelMap& map, float* gradient, Gate gate, const float* output,
                  const float* y, const ChannelNorm& norm, const NormGradient& sums,
                  double* scratch) {
  std::fill_n(scratch, norm_scratch_size(map), 0.0);
  for_each_position(map, [&](std::int64_t panel, std::int64_t offset, std::int64_t task) {
    const std::int64_t c = panel * kPanel;
    HWY_DYNAMIC_DISPATCH(gate_rows)
    ({.rows = map.batch,
      .y = y + offset,
      .scale = norm.scale + c,
      .shift = norm.shift + c,
      .other = output == nullptr ? nullptr : output + offset,
      .mean = norm.mean + c,
      .gradient = gradient + offset},
     gate, scratch + task * kSums);
  });
  for (std::int64_t c = 0; c < map.channels; ++c) {
    sums.dbeta[c] = static_cast<float>(total(map, scratch, c, 0));
    sums.dgamma[c] = static_cast<float>(total(map, scratch, c, 1) *
                                        static_cast<double>(norm.inverse_deviation[c]));
  }
}

NormLine norm_line(const PanelMap& map, const ChannelNorm& norm, const NormGradient& sums,
                   bool of_batch) {
  // dy = scale * (g - dbeta / n - normalised y * dgamma / n)
  const auto channels = static_cast<std::size_t>(map.channels);
  NormLine line{std::vector<float>(channels), std::vector<float>(channels)};
  const auto n = static_cast<double>(map.values());
  for (std::size_t c = 0; of_batch && c < channels; ++c) {
    const auto scale = static_cast<double>(norm.scale[c]);
    const double slope = -scale * static_cast<double>(sums.dgamma[c]) *
                         static_cast<double>(norm.inverse_deviation[c]) / n;
    line.slope[c] = static_cast<float>(slope);
    line.constant[c] = static_cast<float>(-scale * static_cast<double>(sums.dbeta[c]) / n -
                                          slope * static_cast<double>(norm.mean[c]));
  }
  return line;
}

namespace {

void input_gradient_of(std::int64_t panel, std::int64_t rows, const float* g, Gate gate,
                       const float* y, const ChannelNorm& norm, const NormLine& line, float* dy) {
  const std::int64_t c = panel * kPanel;
  HWY_DYNAMIC_DISPATCH(input_gradient_rows)
  ({.rows = rows,
    .y = y,
    .scale = norm.scale + c,
    .shift = norm.shift + c,
    .slope = line.slope.data() + c,
    .constant = line.constant.data() + c,
    .gradient = const_cast<float*>(g),
    .out = dy,
    .relu = gate == Gate::kOwn});
}

}  // namespace

void norm_input_gradient(const PanelMap& map, const float* g, Gate gate, const float* y,
                         const ChannelNorm& norm, const NormLine& line, float* dy) {
  for_each_position(map, [&](std::int64_t panel, std::int64_t offset, std::int64_t /*task*/) {
    input_gradient_of(panel, map.batch, g + offset, gate, y + offset, norm, line, dy + offset);
  });
}

void norm_input_gradient(const PanelMap& map, const MapPart& part, const float* g, Gate gate,
                         const float* y, const ChannelNorm& norm, const NormLine& line, float* dy) {
  const PanelMap to = part.map(map.channels);
  for (std::int64_t panel = 0; panel < map.panels(); ++panel) {
    for (std::int64_t p = 0; p < part.positions; ++p) {
      const std::int64_t offset = map.offset(panel, part.position + p, part.image);
      input_gradient_of(panel, part.images, g + offset, gate, y + offset, norm, line,
                        dy + to.offset(panel, p));
    }
  }
}

}  // namespace simclr
#endif  // HWY_ONCE
