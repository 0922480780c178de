#include "simclr/kernels/moments.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/moments.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using MomentLanes = hn::CappedTag<float, kPanel>;
inline constexpr std::size_t kMomentLanes = hn::MaxLanes(MomentLanes());

HWY_ATTR void moment_rows(const Stretch& s, PanelMoments& to) {
  constexpr MomentLanes d;
  for (std::size_t lane = 0; lane < kPanel; lane += kMomentLanes) {
    const auto pivot = hn::LoadU(d, to.pivot.data() + lane);
    auto first = hn::Zero(d), first2 = hn::Zero(d);
    auto second = hn::Zero(d), second2 = hn::Zero(d);
    for (std::int64_t p = 0; p < s.positions; ++p) {
      const float* y = s.rows[p] + lane;
      std::int64_t row = 0;
      for (; row + 2 <= s.images; row += 2, y += 2 * kPanel) {
        const auto a = hn::Sub(hn::LoadU(d, y), pivot);
        const auto b = hn::Sub(hn::LoadU(d, y + kPanel), pivot);
        first = hn::Add(first, a);
        first2 = hn::Add(first2, b);
        second = hn::MulAdd(a, a, second);
        second2 = hn::MulAdd(b, b, second2);
      }
      if (row < s.images) {
        const auto a = hn::Sub(hn::LoadU(d, y), pivot);
        first = hn::Add(first, a);
        second = hn::MulAdd(a, a, second);
      }
    }
    alignas(64) float totals[2][kPanel];
    hn::StoreU(hn::Add(first, first2), d, totals[0]);
    hn::StoreU(hn::Add(second, second2), d, totals[1]);
    for (std::size_t l = 0; l < kMomentLanes; ++l) {
      to.first[lane + l] += static_cast<double>(totals[0][l]);
      to.second[lane + l] += static_cast<double>(totals[1][l]);
    }
  }
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>

namespace simclr {
namespace {
HWY_EXPORT(moment_rows);
}

void add_moments(const Stretch& stretch, PanelMoments& to) {
  if (to.rows == 0) std::copy_n(stretch.rows[0], kPanel, to.pivot.begin());
  to.rows += stretch.positions * stretch.images;
  HWY_DYNAMIC_DISPATCH(moment_rows)(stretch, to);
}

ChannelMoments moments_of(const TaskParts<PanelMoments>& parts, std::int64_t channel) {
  const auto lane = static_cast<std::size_t>(channel % kPanel);
  double n = 0.0;
  double mean = 0.0;
  double squares = 0.0;  // of differences from the mean
  for (std::int64_t task = 0; task < parts.tasks(); ++task) {
    const PanelMoments& part = parts.at(task, channel / kPanel);
    if (part.rows == 0) continue;
    const auto rows = static_cast<double>(part.rows);
    const double shift = part.first[lane] / rows;
    const double step = static_cast<double>(part.pivot[lane]) + shift - mean;
    squares += std::max(0.0, part.second[lane] - part.first[lane] * shift) +
               step * step * n * rows / (n + rows);
    n += rows;
    mean += step * rows / n;
  }
  return {mean, squares / n, n};
}

}  // namespace simclr
#endif  // HWY_ONCE
