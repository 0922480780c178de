#include "simclr/kernels/resize.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/resize.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

// Rows of so many vectors are kept in registers, where values are found faster than in memory.
constexpr std::size_t kMaxTables = 4;

/// values[at + 0], ... of a row of `tables` whole vectors.
HWY_ATTR HWY_INLINE Vector look_up(Tag tag, const float* values, std::size_t tables, IntVector at) {
  const IntTag integers;
  const auto lanes = static_cast<std::int32_t>(hn::Lanes(tag));
  const auto indices = hn::IndicesFromVec(tag, hn::And(at, hn::Set(integers, lanes - 1)));
  Vector found = hn::TableLookupLanes(hn::LoadU(tag, values), indices);
  for (std::size_t t = 1; t < tables; ++t) {
    const auto first = static_cast<std::int32_t>(t) * lanes;
    const auto reaches = hn::RebindMask(tag, hn::Gt(at, hn::Set(integers, first - 1)));
    const Vector table = hn::LoadU(tag, values + t * hn::Lanes(tag));
    found = hn::IfThenElse(reaches, hn::TableLookupLanes(table, indices), found);
  }
  return found;
}

/// One row f32 [3, line_stride] of `width` pixels to f32 [3, columns.stride].
HWY_ATTR void resize_row(const float* line, std::size_t line_stride, std::size_t width,
                         const ResizeFilter& columns, float* out) {
  const Tag tag;
  const IntTag integers;
  const std::size_t tables = (width + hn::Lanes(tag) - 1) / hn::Lanes(tag);
  for (std::size_t x = 0; x < columns.stride; x += hn::Lanes(tag)) {
    const IntVector first = hn::LoadU(integers, columns.first.data() + x);
    Vector sums[3] = {hn::Zero(tag), hn::Zero(tag), hn::Zero(tag)};
    for (int k = 0; k < columns.taps; ++k) {
      const IntVector at = hn::Add(first, hn::Set(integers, k));
      const Vector weight =
          hn::LoadU(tag, columns.weights.data() + static_cast<std::size_t>(k) * columns.stride + x);
      for (std::size_t c = 0; c < 3; ++c) {
        const float* values = line + c * line_stride;
        const Vector value = tables <= kMaxTables ? look_up(tag, values, tables, at)
                                                  : hn::GatherIndex(tag, values, at);
        sums[c] = hn::Add(sums[c], hn::Mul(weight, value));
      }
    }
    for (std::size_t c = 0; c < 3; ++c) hn::StoreU(sums[c], tag, out + c * columns.stride + x);
  }
}

/// Weighted sums of whole rows: `count` values of f32 [taps] rows that are `apart` values apart.
HWY_ATTR HWY_INLINE void mix_rows(const float* rows, std::size_t apart, const ResizeFilter& filter,
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

/// Columns of every row first, then rows.
HWY_ATTR void resize(const PixelBox& box, const ResizeFilter& columns, const ResizeFilter& rows,
                     ResizeScratch& scratch, const Planes& out, std::size_t side) {
  const auto width = static_cast<std::size_t>(box.width);
  const std::size_t row_values = 3 * columns.stride;
  for (std::size_t y = 0; y < static_cast<std::size_t>(box.height); ++y) {
    unpack(box.pixels + y * box.row_bytes, width, scratch.line.data(), padded(width));
    resize_row(scratch.line.data(), padded(width), width, columns,
               scratch.rows.data() + y * row_values);
  }
  // Whole vectors: what spills over the end of a row is written again by the next one.
  for (std::size_t y = 0; y < side; ++y) {
    const float* first = scratch.rows.data() + static_cast<std::size_t>(rows.first[y]) * row_values;
    for (std::size_t c = 0; c < 3; ++c)
      mix_rows(first + c * columns.stride, row_values, rows, y, side,
               out.data + c * out.stride + y * side);
  }
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {
namespace {

HWY_EXPORT(resize);

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
  scratch.line.resize(3 * padded(static_cast<std::size_t>(box.width)));
  scratch.rows.resize(static_cast<std::size_t>(box.height) * 3 * columns.stride);
  HWY_DYNAMIC_DISPATCH(resize)
  (box, columns, rows, scratch, out, static_cast<std::size_t>(side));
}

const ResizeFilter& ResizeFilters::get(int in, int out, bool mirrored) {
  // Of a size and its mirror image, which differ in parity, neither takes the other's place.
  const auto key = 2 * static_cast<std::size_t>(in) + (mirrored ? 1 : 0);
  Slot& slot = slots_[key % slots_.size()];
  if (slot.in != in || slot.out != out) {
    make_resize_filter(in, out, mirrored, slot.filter);
    slot.in = in;
    slot.out = out;
  }
  return slot.filter;
}

}  // namespace simclr
#endif  // HWY_ONCE
