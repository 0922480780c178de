#include "simclr/augment/apply.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

#include "simclr/augment/presets.h"
#include "simclr/kernels/blur.h"
#include "simclr/kernels/noise.h"

namespace simclr {
namespace {

Planes planes_in(std::vector<float>& memory, int side) {
  const std::size_t n = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  const std::size_t stride = padded(n) + kPixelLanes;
  memory.resize(3 * stride);
  return {memory.data(), n, stride};
}

void resize_crop(const Image& image, const ViewParams& params, int side, ViewScratch& scratch,
                 const Planes& planes) {
  const CropBox& crop = params.crop;
  const ResizeFilter& columns = scratch.columns.get(crop.width, side, params.flip);
  const ResizeFilter& rows = scratch.rows.get(crop.height, side, false);
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
  const std::uint8_t* corner = image.pixels.data() +
                               static_cast<std::size_t>(crop.top) * row_bytes +
                               static_cast<std::size_t>(crop.left) * 3;
  resize_to_planes({corner, crop.height, crop.width, row_bytes}, columns, rows, side,
                   scratch.resize, planes);
}

/// value(y, x) = value(y + top, x + left), black outside.
void shift_planes(const Planes& planes, Shift shift, int side, std::vector<float>& memory) {
  const Planes source = planes_in(memory, side);
  std::copy_n(planes.data, 3 * planes.stride, source.data);
  const int first = std::max(0, -shift.left);
  const int last = std::min(side, side - shift.left);
  for (std::size_t c = 0; c < 3; ++c) {
    for (int y = 0; y < side; ++y) {
      float* row = planes.data + c * planes.stride + static_cast<std::ptrdiff_t>(y) * side;
      std::fill_n(row, side, 0.0F);
      const int from = y + shift.top;
      if (from < 0 || from >= side || first >= last) continue;
      const float* source_row =
          source.data + c * source.stride + static_cast<std::ptrdiff_t>(from) * side;
      std::copy(source_row + first + shift.left, source_row + last + shift.left, row + first);
    }
  }
}

/// Applies each step to the planes.
struct Apply {
  const Planes& planes;
  int side;
  ViewScratch& scratch;

  void operator()(const JitterParams& jitter) const {
    // As torchvision, which leaves out an operation of amplitude 0: the way through HSV rounds. In
    // the other three a factor of exactly 1 changes no bit.
    for (const JitterOp op : jitter.order) {
      switch (op) {
        case JitterOp::kBrightness:
          if (jitter.brightness != 1.0F) adjust_brightness(planes, jitter.brightness);
          break;
        case JitterOp::kContrast:
          if (jitter.contrast != 1.0F) adjust_contrast(planes, jitter.contrast);
          break;
        case JitterOp::kSaturation:
          if (jitter.saturation != 1.0F) adjust_saturation(planes, jitter.saturation);
          break;
        case JitterOp::kHue:
          if (jitter.hue != 0.0F) adjust_hue(planes, jitter.hue);
          break;
      }
    }
  }
  void operator()(const GreyscaleParams& /*params*/) const { to_greyscale(planes); }
  void operator()(const BlurParams& blur) const {
    gaussian_blur(planes, side, blur.kernel, blur.sigma, scratch.other);
  }
  void operator()(const SolarizeParams& params) const { solarize(planes, params.threshold); }
  void operator()(const NoiseParams& noise) const {
    const Planes values = planes_in(scratch.other, side);
    normal_noise(noise.key, noise.sigma, values);
    add_clamped(planes, values.data);
  }
  void operator()(const AutoAugmentParams& params) const {
    std::vector<std::uint8_t>& bytes = scratch.bytes;
    bytes.resize(3 * planes.n);
    planes_to_bytes(planes, bytes.data());
    apply_autoaugment(bytes, side, side, params, scratch.u8);
    bytes_to_planes(bytes.data(), planes);
  }
};

}  // namespace

void apply_view(const Image& image, const ViewParams& params, Normalization normalization, int side,
                ViewScratch& scratch, std::span<float> view) {
  assert(view.size() == static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
  assert(params.crop.top >= 0 && params.crop.top + params.crop.height <= image.height);
  assert(params.crop.left >= 0 && params.crop.left + params.crop.width <= image.width);
  const Planes planes = planes_in(scratch.planes, side);
  resize_crop(image, params, side, scratch, planes);
  if (params.shift.top != 0 || params.shift.left != 0) {
    // The columns are mirrored already, so the shift is as well.
    const int left = params.flip ? -params.shift.left : params.shift.left;
    shift_planes(planes, {params.shift.top, left}, side, scratch.other);
  }
  for (const ViewStep& step : params.steps) std::visit(Apply{planes, side, scratch}, step);
  const ChannelStatistics statistics = channel_statistics(normalization);
  interleave_normalized(planes, statistics.mean, statistics.deviation, view.data());
}

}  // namespace simclr
