#include "simclr/kernels/blur.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdlib>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/blur.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

/// out[i] = sum over k of weights[k] * values[i + k * apart], in whole vectors.
HWY_ATTR HWY_INLINE void weighted_sum(const float* values, std::size_t apart,
                                      std::span<const float> weights, std::size_t count,
                                      float* out) {
  const Tag tag;
  for (std::size_t i = 0; i < count; i += hn::Lanes(tag)) {
    Vector sum = hn::Zero(tag);
    for (std::size_t k = 0; k < weights.size(); ++k)
      sum = hn::Add(sum, hn::Mul(hn::Set(tag, weights[k]), hn::LoadU(tag, values + k * apart + i)));
    hn::StoreU(sum, tag, out + i);
  }
}

/// -1 -> 1, size -> size - 2.
HWY_ATTR HWY_INLINE std::size_t reflected(int position, int size) {
  const int inside = std::abs(position);
  return static_cast<std::size_t>(inside < size ? inside : 2 * (size - 1) - inside);
}

/// One plane in place.
/// @param line     [side + taps - 1]: a row and what is reflected of it
/// @param between  [side + taps - 1, side]: columns done, and the rows that are reflected
HWY_ATTR void blur(float* plane, int side, std::span<const float> weights, float* line,
                   float* between) {
  const int reach = static_cast<int>(weights.size() / 2);
  const auto width = static_cast<std::size_t>(side);
  float* middle = between + static_cast<std::size_t>(reach) * width;
  for (std::size_t y = 0; y < width; ++y) {
    const float* row = plane + y * width;
    for (int x = 0; x < reach; ++x) {
      line[x] = row[reflected(x - reach, side)];
      line[reach + side + x] = row[reflected(side + x, side)];
    }
    std::copy_n(row, width, line + reach);
    weighted_sum(line, 1, weights, width, middle + y * width);
  }
  for (int y = 0; y < reach; ++y) {
    std::copy_n(middle + reflected(y - reach, side) * width, width,
                between + static_cast<std::size_t>(y) * width);
    std::copy_n(middle + reflected(side + y, side) * width, width,
                middle + static_cast<std::size_t>(side + y) * width);
  }
  for (std::size_t y = 0; y < width; ++y)
    weighted_sum(between + y * width, width, weights, width, plane + y * width);
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {
namespace {

HWY_EXPORT(blur);

void gaussian(float sigma, std::span<float> weights) {
  const auto middle = static_cast<float>(weights.size() / 2);
  float total = 0.0F;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const float distance = (static_cast<float>(k) - middle) / sigma;
    total += weights[k] = std::exp(-0.5F * distance * distance);
  }
  for (float& weight : weights) weight /= total;
}

}  // namespace

void gaussian_blur(const Planes& rgb, int side, int kernel, float sigma,
                   std::vector<float>& scratch) {
  assert(kernel % 2 == 1 && kernel / 2 < side && sigma > 0.0F);
  const auto taps = static_cast<std::size_t>(kernel);
  const auto width = static_cast<std::size_t>(side);
  const std::size_t line = taps;  // [side + kernel - 1], after the weights
  const std::size_t between = line + padded(width + taps) + kPixelLanes;
  scratch.resize(between + (width + taps - 1) * width + kPixelLanes);
  const std::span weights(scratch.data(), taps);
  gaussian(sigma, weights);
  for (std::size_t c = 0; c < 3; ++c) HWY_DYNAMIC_DISPATCH(blur)
  (rgb.data + c * rgb.stride, side, weights, scratch.data() + line, scratch.data() + between);
}

}  // namespace simclr
#endif  // HWY_ONCE
