#include "simclr/kernels/norm_gradient.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/norm_gradient.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#ifndef SIMCLR_KERNELS_NORM_GRADIENT_ONCE
#define SIMCLR_KERNELS_NORM_GRADIENT_ONCE
namespace simclr {

/// Rows of one panel, 16 floats each; channel numbers point at the panel's first.
struct GradientRows {
  std::int64_t rows = 0;
  const float* gradient = nullptr;
  const float* y = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* slope = nullptr;
  const float* constant = nullptr;
  float* out = nullptr;
  bool gated = false;
};

}  // namespace simclr
#endif

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using GradientLanes = hn::CappedTag<float, kPanel>;
inline constexpr std::int64_t kGradientLanes =
    static_cast<std::int64_t>(hn::MaxLanes(GradientLanes()));

template <Gate kGate>
HWY_ATTR void gate_rows_as(const Stretch& s, const float* map, const GatedNorm& by,
                           PanelGradientSums& to) {
  constexpr GradientLanes d;
  for (std::int64_t lane = 0; lane < kPanel; lane += kGradientLanes) {
    const std::int64_t c = s.panel * kPanel + lane;
    const auto scale = hn::LoadU(d, by.norm.scale + c);
    const auto shift = hn::LoadU(d, by.norm.shift + c);
    const auto mean = hn::LoadU(d, by.norm.mean + c);
    auto first = hn::Zero(d), second = hn::Zero(d);
    for (std::int64_t p = 0; p < s.positions; ++p) {
      float* gradient = s.rows[p];
      const std::int64_t offset = gradient - map;
      for (std::int64_t i = lane; i < s.images * kPanel; i += kPanel) {
        const auto y = hn::LoadU(d, by.y + offset + i);
        auto g = hn::LoadU(d, gradient + i);
        if constexpr (kGate != Gate::kNone) {
          const auto gate = kGate == Gate::kOwn ? hn::MulAdd(scale, y, shift)
                                                : hn::LoadU(d, by.output + offset + i);
          g = hn::IfThenElseZero(hn::Gt(gate, hn::Zero(d)), g);
          if constexpr (kGate == Gate::kOutput) hn::StoreU(g, d, gradient + i);
        }
        first = hn::Add(first, g);
        second = hn::MulAdd(g, hn::Sub(y, mean), second);
      }
    }
    alignas(64) float totals[2][kPanel];
    hn::StoreU(first, d, totals[0]);
    hn::StoreU(second, d, totals[1]);
    for (std::int64_t l = 0; l < kGradientLanes; ++l) {
      to.first[static_cast<std::size_t>(lane + l)] += static_cast<double>(totals[0][l]);
      to.second[static_cast<std::size_t>(lane + l)] += static_cast<double>(totals[1][l]);
    }
  }
}

HWY_ATTR void gate_rows(const Stretch& s, const float* map, const GatedNorm& by,
                        PanelGradientSums& to) {
  switch (by.gate) {
    case Gate::kNone:
      return gate_rows_as<Gate::kNone>(s, map, by, to);
    case Gate::kOwn:
      return gate_rows_as<Gate::kOwn>(s, map, by, to);
    case Gate::kOutput:
      return gate_rows_as<Gate::kOutput>(s, map, by, to);
  }
}

/// out = scale * gradient + slope * y + constant, the gradient gated by the norm's own output.
template <bool kGated>
HWY_ATTR void input_gradient_rows_as(const GradientRows& r) {
  constexpr GradientLanes d;
  for (std::int64_t lane = 0; lane < kPanel; lane += kGradientLanes) {
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

HWY_ATTR void input_gradient_rows(const GradientRows& r) {
  if (r.gated) return input_gradient_rows_as<true>(r);
  input_gradient_rows_as<false>(r);
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "simclr/kernels/norm_blocks.h"

namespace simclr {
namespace {

HWY_EXPORT(gate_rows);
HWY_EXPORT(input_gradient_rows);

void input_gradient_of(std::int64_t panel, std::int64_t rows, std::int64_t offset, const float* g,
                       const GatedNorm& by, const NormLine& line, float* dy) {
  const std::int64_t c = panel * kPanel;
  HWY_DYNAMIC_DISPATCH(input_gradient_rows)
  ({.rows = rows,
    .gradient = g + offset,
    .y = by.y + offset,
    .scale = by.norm.scale + c,
    .shift = by.norm.shift + c,
    .slope = line.slope.data() + c,
    .constant = line.constant.data() + c,
    .out = dy,
    .gated = by.gate == Gate::kOwn});
}

}  // namespace

void gate_and_sum(const Stretch& stretch, const float* map, const GatedNorm& by,
                  PanelGradientSums& to) {
  HWY_DYNAMIC_DISPATCH(gate_rows)(stretch, map, by, to);
}

void sums_of_parts(const TaskParts<PanelGradientSums>& parts, const ChannelNorm& norm,
                   const NormGradient& sums) {
  for (std::int64_t c = 0; c < parts.panels() * kPanel; ++c) {
    const auto lane = static_cast<std::size_t>(c % kPanel);
    double first = 0.0;
    double second = 0.0;
    for (std::int64_t task = 0; task < parts.tasks(); ++task) {
      first += parts.at(task, c / kPanel).first[lane];
      second += parts.at(task, c / kPanel).second[lane];
    }
    sums.dbeta[c] = static_cast<float>(first);
    sums.dgamma[c] = static_cast<float>(second * static_cast<double>(norm.inverse_deviation[c]));
  }
}

void gate_and_sum(const PanelMap& map, float* gradient, const GatedNorm& by,
                  const NormGradient& sums) {
  TaskParts<PanelGradientSums> parts;
  parts.reset(blocks_of(map), map.panels());
  for_each_position(map, [&](std::int64_t panel, std::int64_t offset, std::int64_t block) {
    float* rows = gradient + offset;
    gate_and_sum({block, panel, &rows, 1, map.batch}, gradient, by, parts.at(block, panel));
  });
  sums_of_parts(parts, by.norm, sums);
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

void norm_input_gradient(const PanelMap& map, const float* g, const GatedNorm& by,
                         const NormLine& line, float* dy) {
  for_each_position(map, [&](std::int64_t panel, std::int64_t offset, std::int64_t /*block*/) {
    input_gradient_of(panel, map.batch, offset, g, by, line, dy + offset);
  });
}

void norm_input_gradient(const PanelMap& map, const MapPart& part, const float* g,
                         const GatedNorm& by, const NormLine& line, float* dy) {
  const PanelMap to = part.map(map.channels);
  for (std::int64_t panel = 0; panel < map.panels(); ++panel)
    for (std::int64_t p = 0; p < part.positions; ++p)
      input_gradient_of(panel, part.images, map.offset(panel, part.position + p, part.image), g, by,
                        line, dy + to.offset(panel, p));
}

}  // namespace simclr
#endif  // HWY_ONCE
