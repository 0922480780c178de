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

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// out[i] = sum over k of weights[k] * rows[k][i], in whole vectors.
HWY_ATTR void weighted_sum(const float* const* rows, const float* weights, int taps,
                           std::size_t count, float* out) {
  const hn::CappedTag<float, kPixelLanes> tag;
  for (std::size_t i = 0; i < count; i += hn::Lanes(tag)) {
    auto value = hn::Zero(tag);
    for (int k = 0; k < taps; ++k)
      value = hn::Add(value, hn::Mul(hn::Set(tag, weights[k]), hn::LoadU(tag, rows[k] + i)));
    hn::StoreU(value, tag, out + i);
  }
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {
namespace {

HWY_EXPORT(weighted_sum);

/// -1 -> 1, size -> size - 2.
int reflected(int position, int size) {
  const int inside = std::abs(position);
  return inside < size ? inside : 2 * (size - 1) - inside;
}

std::vector<float> gaussian(int kernel, float sigma) {
  std::vector<float> weights(static_cast<std::size_t>(kernel));
  float total = 0.0F;
  for (int k = 0; k < kernel; ++k) {
    const float distance = (static_cast<float>(k) - static_cast<float>(kernel / 2)) / sigma;
    total += weights[static_cast<std::size_t>(k)] = std::exp(-0.5F * distance * distance);
  }
  for (float& weight : weights) weight /= total;
  return weights;
}

/// Columns of one plane, from `plane` to `out`.
void blur_columns(const float* plane, int side, const std::vector<float>& weights, float* line,
                  std::vector<const float*>& taps, float* out) {
  const int kernel = static_cast<int>(weights.size());
  const auto width = static_cast<std::size_t>(side);
  for (int k = 0; k < kernel; ++k) taps[static_cast<std::size_t>(k)] = line + k;
  for (std::size_t y = 0; y < width; ++y) {
    const float* row = plane + y * width;
    for (int x = 0; x < side + kernel - 1; ++x) line[x] = row[reflected(x - kernel / 2, side)];
    HWY_DYNAMIC_DISPATCH(weighted_sum)
    (taps.data(), weights.data(), kernel, width, out + y * width);
  }
}

void blur_rows(const float* plane, int side, const std::vector<float>& weights,
               std::vector<const float*>& taps, float* out) {
  const int kernel = static_cast<int>(weights.size());
  const auto width = static_cast<std::size_t>(side);
  for (int y = 0; y < side; ++y) {
    for (int k = 0; k < kernel; ++k) {
      const auto row = static_cast<std::size_t>(reflected(y + k - kernel / 2, side));
      taps[static_cast<std::size_t>(k)] = plane + row * width;
    }
    HWY_DYNAMIC_DISPATCH(weighted_sum)
    (taps.data(), weights.data(), kernel, width, out + static_cast<std::size_t>(y) * width);
  }
}

}  // namespace

void gaussian_blur(const Planes& rgb, int side, int kernel, float sigma,
                   std::vector<float>& scratch) {
  assert(kernel % 2 == 1 && kernel / 2 < side && sigma > 0.0F);
  const std::vector<float> weights = gaussian(kernel, sigma);
  std::vector<const float*> taps(weights.size());
  const std::size_t line_size = padded(static_cast<std::size_t>(side + kernel)) + kPixelLanes;
  scratch.resize(line_size + rgb.n + kPixelLanes);
  float* between = scratch.data() + line_size;
  for (std::size_t c = 0; c < 3; ++c) {
    float* plane = rgb.data + c * rgb.stride;
    blur_columns(plane, side, weights, scratch.data(), taps, between);
    blur_rows(between, side, weights, taps, plane);
  }
}

}  // namespace simclr
#endif  // HWY_ONCE
