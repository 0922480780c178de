#include "simclr/kernels/resize.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/resize.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, kPixelLanes>;
using Vector = hn::Vec<Tag>;

/// One row of a box, f32 [width, 3], to f32 [3, stride].
HWY_ATTR void resize_row(const float* line, const ResizeFilter& columns, float* out) {
  const Tag tag;
  const hn::Rebind<std::int32_t, Tag> integers;
  for (std::size_t x = 0; x < columns.stride; x += hn::Lanes(tag)) {
    const auto first = hn::LoadU(integers, columns.first.data() + x);
    const auto at = hn::Add(first, hn::Add(first, first));  // three values a pixel
    Vector red = hn::Zero(tag);
    Vector green = hn::Zero(tag);
    Vector blue = hn::Zero(tag);
    for (int k = 0; k < columns.taps; ++k) {
      const float* base = line + 3 * k;
      const Vector weight =
          hn::LoadU(tag, columns.weights.data() + static_cast<std::size_t>(k) * columns.stride + x);
      red = hn::Add(red, hn::Mul(weight, hn::GatherIndex(tag, base, at)));
      green = hn::Add(green, hn::Mul(weight, hn::GatherIndex(tag, base + 1, at)));
      blue = hn::Add(blue, hn::Mul(weight, hn::GatherIndex(tag, base + 2, at)));
    }
    hn::StoreU(red, tag, out + x);
    hn::StoreU(green, tag, out + columns.stride + x);
    hn::StoreU(blue, tag, out + 2 * columns.stride + x);
  }
}

/// Weighted sums of whole rows: `count` values of f32 [taps] rows that are `apart` values apart.
HWY_ATTR void mix_rows(const float* rows, std::size_t apart, const ResizeFilter& filter,
                       std::size_t output, std::size_t count, float* out) {
  const Tag tag;
  for (std::size_t x = 0; x < count; x += hn::Lanes(tag)) {
    Vector value = hn::Zero(tag);
    for (int k = 0; k < filter.taps; ++k) {
      const auto tap = static_cast<std::size_t>(k);
      const Vector weight = hn::Set(tag, filter.weights[tap * filter.stride + output]);
      value = hn::Add(value, hn::Mul(weight, hn::LoadU(tag, rows + tap * apart + x)));
    }
    hn::StoreU(value, tag, out + x);
  }
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {
namespace {

HWY_EXPORT(resize_row);
HWY_EXPORT(mix_rows);

/// The inputs that one output reads: from `first`, `count` of them, around `center`.
struct Support {
  int first;
  int count;
  double center;
};

Support support_of(int output, double scale, int in) {
  const double reach = std::max(scale, 1.0);
  const double center = scale * (output + 0.5);
  int first = std::max(static_cast<int>(center - reach + 0.5), 0);
  int last = std::min(static_cast<int>(center + reach + 0.5), in) - 1;
  // Those exactly at the filter's rim weigh nothing.
  while (first < last && std::abs(first + 0.5 - center) >= reach) ++first;
  while (first < last && std::abs(last + 0.5 - center) >= reach) --last;
  return {first, last - first + 1, center};
}

}  // namespace

void make_resize_filter(int in, int out, bool mirrored, ResizeFilter& filter) {
  const double scale = static_cast<double>(in) / out;
  const double reach = std::max(scale, 1.0);
  filter.taps = 1;
  for (int i = 0; i < out; ++i) filter.taps = std::max(filter.taps, support_of(i, scale, in).count);
  filter.stride = padded(static_cast<std::size_t>(out));
  filter.first.assign(filter.stride, 0);
  filter.weights.assign(filter.stride * static_cast<std::size_t>(filter.taps), 0.0F);
  for (int i = 0; i < out; ++i) {
    const Support support = support_of(i, scale, in);
    const int first = std::min(support.first, in - filter.taps);  // so that every tap is an input
    double total = 0.0;
    const auto weight_at = [&](int input) {
      return std::max(0.0, 1.0 - std::abs(input + 0.5 - support.center) / reach);
    };
    for (int k = 0; k < support.count; ++k) total += weight_at(support.first + k);
    const auto to = static_cast<std::size_t>(mirrored ? out - 1 - i : i);
    filter.first[to] = first;
    for (int k = 0; k < support.count; ++k) {
      const auto tap = static_cast<std::size_t>(support.first - first + k);
      filter.weights[tap * filter.stride + to] =
          static_cast<float>(weight_at(support.first + k) / total);
    }
  }
}

void resize_to_planes(const PixelBox& box, const ResizeFilter& columns, const ResizeFilter& rows,
                      int side, ResizeScratch& scratch, const Planes& out) {
  const auto values = static_cast<std::size_t>(box.width) * 3;
  const std::size_t row_values = 3 * columns.stride;
  scratch.line.resize(padded(values));
  scratch.rows.resize(static_cast<std::size_t>(box.height) * row_values);
  for (int y = 0; y < box.height; ++y) {
    const auto row = static_cast<std::size_t>(y);
    bytes_to_unit(box.pixels + row * box.row_bytes, values, scratch.line.data());
    HWY_DYNAMIC_DISPATCH(resize_row)
    (scratch.line.data(), columns, scratch.rows.data() + row * row_values);
  }
  // Whole vectors: what spills over the end of a row is written again by the next one.
  for (std::size_t y = 0; y < static_cast<std::size_t>(side); ++y) {
    const float* first = scratch.rows.data() + static_cast<std::size_t>(rows.first[y]) * row_values;
    for (std::size_t c = 0; c < 3; ++c) {
      HWY_DYNAMIC_DISPATCH(mix_rows)
      (first + c * columns.stride, row_values, rows, y, static_cast<std::size_t>(side),
       out.data + c * out.stride + y * static_cast<std::size_t>(side));
    }
  }
}

}  // namespace simclr
#endif  // HWY_ONCE
