#include "simclr/kernels/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/pool.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#ifndef SIMCLR_KERNELS_POOL_ONCE
#define SIMCLR_KERNELS_POOL_ONCE
namespace simclr {

/// The pixels of one window (or the windows of one pixel), and the place each has in the window.
struct Window {
  const float* map[9];
  const std::uint8_t* where[9];
  int place[9];
  int count = 0;
};

/// Rows of one panel at one position; numbers of channels point at the panel's first.
struct SpreadRows {
  std::int64_t rows = 0;
  const float* y = nullptr;
  const float* next_y = nullptr;  ///< soon needed
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* slope = nullptr;
  const float* constant = nullptr;
  float* out = nullptr;
};

}  // namespace simclr
#endif

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using PoolLanes = hn::CappedTag<float, kPanel>;
using PoolPlaces = hn::Rebind<std::int32_t, PoolLanes>;
using PoolBytes = hn::Rebind<std::uint8_t, PoolLanes>;
inline constexpr std::int64_t kPoolLanes = static_cast<std::int64_t>(hn::MaxLanes(PoolLanes()));

HWY_ATTR void largest_rows(const Window& w, std::int64_t rows, const float* scales,
                           const float* shifts, float* out, const PoolKept& kept) {
  constexpr PoolLanes d;
  constexpr PoolPlaces places;
  for (std::int64_t lane = 0; lane < kPanel; lane += kPoolLanes) {
    const auto scale = hn::LoadU(d, scales + lane);
    const auto shift = hn::LoadU(d, shifts + lane);
    for (std::int64_t i = lane; i < rows * kPanel; i += kPanel) {
      auto best = hn::Set(d, -1.0F);
      auto best_y = hn::Zero(d);
      auto place = hn::Zero(places);
      for (int k = 0; k < w.count; ++k) {
        const auto y = hn::LoadU(d, w.map[k] + i);
        auto value = hn::MulAdd(scale, y, shift);
        // Not Max: it would lose a NaN.
        value = hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value);
        const auto better = hn::Or(hn::Gt(value, best), hn::Not(hn::Eq(value, value)));
        best = hn::IfThenElse(better, value, best);
        best_y = hn::IfThenElse(better, y, best_y);
        place = hn::IfThenElse(hn::RebindMask(places, better), hn::Set(places, w.place[k]), place);
      }
      hn::StoreU(best, d, out + i);
      if (kept.y != nullptr) hn::StoreU(best_y, d, kept.y + i);
      hn::StoreU(hn::DemoteTo(PoolBytes(), place), PoolBytes(), kept.where + i);
    }
  }
}

/// out = scale * (sum of the windows' gradients that go here, gated) + slope * y + constant.
HWY_ATTR void spread_rows(const Window& w, std::int64_t offset, const SpreadRows& r) {
  constexpr PoolLanes d;
  constexpr PoolPlaces places;
  for (std::int64_t lane = 0; lane < kPanel; lane += kPoolLanes) {
    const auto scale = hn::LoadU(d, r.scale + lane);
    const auto shift = hn::LoadU(d, r.shift + lane);
    const auto slope = hn::LoadU(d, r.slope + lane);
    const auto constant = hn::LoadU(d, r.constant + lane);
    for (std::int64_t i = lane; i < r.rows * kPanel; i += kPanel) {
      auto sum = hn::Zero(d);
      for (int k = 0; k < w.count; ++k) {
        const auto place = hn::PromoteTo(places, hn::LoadU(PoolBytes(), w.where[k] + offset + i));
        const auto mine = hn::RebindMask(d, hn::Eq(place, hn::Set(places, w.place[k])));
        sum = hn::Add(sum, hn::IfThenElseZero(mine, hn::LoadU(d, w.map[k] + offset + i)));
      }
      const auto y = hn::LoadU(d, r.y + i);
      hwy::Prefetch(r.next_y + i);
      sum = hn::IfThenElseZero(hn::Gt(hn::MulAdd(scale, y, shift), hn::Zero(d)), sum);
      hn::StoreU(hn::MulAdd(scale, sum, hn::MulAdd(slope, y, constant)), d, r.out + i);
    }
  }
}

/// out [rows, 16] = mean of positions `stride` apart.
HWY_ATTR void mean_rows(const float* x, std::int64_t positions, std::int64_t stride,
                        std::int64_t rows, float* out, std::int64_t out_row) {
  constexpr PoolLanes d;
  const auto share = hn::Set(d, 1.0F / static_cast<float>(positions));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t lane = 0; lane < kPanel; lane += kPoolLanes) {
      auto sum = hn::Zero(d);
      for (std::int64_t p = 0; p < positions; ++p)
        sum = hn::Add(sum, hn::LoadU(d, x + p * stride + row * kPanel + lane));
      hn::StoreU(hn::Mul(sum, share), d, out + row * out_row + lane);
    }
  }
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>

#include "simclr/core/parallel.h"

namespace simclr {
namespace {

HWY_EXPORT(largest_rows);
HWY_EXPORT(spread_rows);
HWY_EXPORT(mean_rows);

constexpr std::int64_t kStride = 2;

/// The pixels of the window of output (y, x), of the panel at `map`.
Window pixels_of(const PoolShape& shape, const float* map, std::int64_t y, std::int64_t x) {
  Window window;
  for (std::int64_t i = 0; i < shape.window; ++i) {
    for (std::int64_t j = 0; j < shape.window; ++j) {
      const std::int64_t at_y = y * kStride - shape.pad + i;
      const std::int64_t at_x = x * kStride - shape.pad + j;
      if (at_y < 0 || at_x < 0 || at_y >= shape.in.height || at_x >= shape.in.width) continue;
      window.map[window.count] = map + (at_y * shape.in.width + at_x) * shape.in.position_stride();
      window.place[window.count++] = static_cast<int>(i * shape.window + j);
    }
  }
  return window;
}

/// The windows that pixel (y, x) is in, of the maps at `map` and `where`.
Window windows_of(const PoolShape& shape, const float* map, const std::uint8_t* where,
                  std::int64_t y, std::int64_t x) {
  const PanelMap out = shape.out_map();
  Window window;
  for (std::int64_t i = 0; i < shape.window; ++i) {
    for (std::int64_t j = 0; j < shape.window; ++j) {
      const std::int64_t from_y = y + shape.pad - i;
      const std::int64_t from_x = x + shape.pad - j;
      if (from_y < 0 || from_x < 0 || from_y % kStride != 0 || from_x % kStride != 0) continue;
      if (from_y / kStride >= out.height || from_x / kStride >= out.width) continue;
      const std::int64_t offset =
          (from_y / kStride * out.width + from_x / kStride) * out.position_stride();
      window.map[window.count] = map + offset;
      window.where[window.count] = where + offset;
      window.place[window.count++] = static_cast<int>(i * shape.window + j);
    }
  }
  return window;
}

}  // namespace

void norm_relu_max_pool(const PoolShape& shape, const float* y, const ChannelNorm& norm, float* out,
                        const PoolKept& kept) {
  const PanelMap to = shape.out_map();
  parallel_for(to.panels() * to.height, [&](std::int64_t task) {
    const std::int64_t panel = task / to.height;
    const std::int64_t row = task % to.height;
    for (std::int64_t column = 0; column < to.width; ++column) {
      const std::int64_t offset = to.offset(panel, row * to.width + column);
      HWY_DYNAMIC_DISPATCH(largest_rows)
      (pixels_of(shape, y + shape.in.offset(panel, 0), row, column), to.batch,
       norm.scale + panel * kPanel, norm.shift + panel * kPanel, out + offset,
       {kept.where + offset, kept.y == nullptr ? nullptr : kept.y + offset});
    }
  });
}

void norm_relu_max_pool_gradient(const PoolShape& shape, const MapPart& part, const float* gradient,
                                 const std::uint8_t* where, const float* y, const ChannelNorm& norm,
                                 const NormLine& line, float* dy) {
  const PanelMap& in = shape.in;
  const PanelMap out = shape.out_map();
  const PanelMap to = part.map(in.channels);
  for (std::int64_t p = 0; p < part.positions; ++p) {
    const std::int64_t position = part.position + p;
    const Window windows =
        windows_of(shape, gradient, where, position / in.width, position % in.width);
    for (std::int64_t panel = 0; panel < in.panels(); ++panel) {
      const std::int64_t c = panel * kPanel;
      HWY_DYNAMIC_DISPATCH(spread_rows)
      (windows, out.offset(panel, 0, part.image),
       {.rows = part.images,
        .y = y + in.offset(panel, position, part.image),
        .next_y = y + in.offset(panel, position + 1, part.image),
        .scale = norm.scale + c,
        .shift = norm.shift + c,
        .slope = line.slope.data() + c,
        .constant = line.constant.data() + c,
        .out = dy + to.offset(panel, p)});
    }
  }
}

void average_pool(const PanelMap& map, const float* x, float* features) {
  parallel_for(map.panels(), [&](std::int64_t panel) {
    HWY_DYNAMIC_DISPATCH(mean_rows)
    (x + map.offset(panel, 0), map.positions(), map.position_stride(), map.batch,
     features + panel * kPanel, map.channels);
  });
}

void average_pool_gradient(const PanelMap& map, const float* gradient, float* dx) {
  const float share = 1.0F / static_cast<float>(map.positions());
  parallel_for(map.panels() * map.positions(), [&](std::int64_t task) {
    const std::int64_t panel = task / map.positions();
    float* to = dx + map.offset(panel, task % map.positions());
    for (std::int64_t n = 0; n < map.batch; ++n)
      for (std::int64_t l = 0; l < kPanel; ++l)
        to[n * kPanel + l] = share * gradient[n * map.channels + panel * kPanel + l];
  });
}

}  // namespace simclr
#endif  // HWY_ONCE
