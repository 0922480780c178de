#include "simclr/augment/view.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "simclr/augment/color.h"
#include "simclr/augment/presets.h"

namespace simclr {
namespace {

constexpr int kCropTries = 10;

/// Halves go to the even neighbour, as Python's round(), which torchvision uses.
int rounded(double value) { return static_cast<int>(std::lrint(value)); }

/// The largest centred box whose ratio is in range, or the whole image if its own is.
CropBox central_crop(const AugmentSettings& settings, int height, int width) {
  CropBox crop{0, 0, height, width};
  const double ratio = static_cast<double>(width) / height;
  if (ratio < settings.crop_ratio_min)
    crop.height = std::max(1, rounded(width / settings.crop_ratio_min));
  else if (ratio > settings.crop_ratio_max)
    crop.width = std::max(1, rounded(height * settings.crop_ratio_max));
  crop.top = (height - crop.height) / 2;
  crop.left = (width - crop.width) / 2;
  return crop;
}

CropBox draw_crop(const AugmentSettings& settings, int height, int width, Random& random) {
  const double area = static_cast<double>(height) * width;
  const auto scale_min = static_cast<float>(settings.crop_scale_min);
  const auto scale_max = static_cast<float>(settings.crop_scale_max);
  const auto log_ratio_min = static_cast<float>(std::log(settings.crop_ratio_min));
  const auto log_ratio_max = static_cast<float>(std::log(settings.crop_ratio_max));
  for (int i = 0; i < kCropTries; ++i) {
    const double target = area * static_cast<double>(random.uniform(scale_min, scale_max));
    const double ratio =
        std::exp(static_cast<double>(random.uniform(log_ratio_min, log_ratio_max)));
    const int crop_width = rounded(std::sqrt(target * ratio));
    const int crop_height = rounded(std::sqrt(target / ratio));
    if (crop_width < 1 || crop_width > width || crop_height < 1 || crop_height > height) continue;
    const auto top = random.below(static_cast<std::uint32_t>(height - crop_height + 1));
    const auto left = random.below(static_cast<std::uint32_t>(width - crop_width + 1));
    return {static_cast<int>(top), static_cast<int>(left), crop_height, crop_width};
  }
  return central_crop(settings, height, width);
}

float draw_factor(double amplitude, Random& random) {
  return random.uniform(static_cast<float>(std::max(0.0, 1.0 - amplitude)),
                        static_cast<float>(1.0 + amplitude));
}

void draw_jitter(const AugmentSettings& settings, Random& random, ViewParams& params) {
  for (std::uint32_t i = 4; i > 1; --i)
    std::swap(params.order[i - 1], params.order[random.below(i)]);
  params.brightness = draw_factor(settings.brightness, random);
  params.contrast = draw_factor(settings.contrast, random);
  params.saturation = draw_factor(settings.saturation, random);
  params.hue = random.uniform(-static_cast<float>(settings.hue), static_cast<float>(settings.hue));
}

/// Where one output coordinate reads: low and high neighbour, and the share of the high one.
struct Tap {
  std::size_t low;
  std::size_t high;
  float weight;
};

/// Pixel centres are matched (align_corners=False); beyond the outermost ones the edge is repeated.
Tap tap_at(int position, int size, int side) {
  const float scale = static_cast<float>(size) / static_cast<float>(side);
  const float source = std::max(scale * (static_cast<float>(position) + 0.5F) - 0.5F, 0.0F);
  const int low = std::min(static_cast<int>(source), size - 1);
  return {static_cast<std::size_t>(low), static_cast<std::size_t>(std::min(low + 1, size - 1)),
          source - static_cast<float>(low)};
}

/// Two source rows become one (contiguous), then its columns are picked; a flip only mirrors which.
void resize_crop(std::span<const std::uint8_t> pixels, int width, const ViewParams& params,
                 int side, std::span<float> view) {
  const CropBox& crop = params.crop;
  std::vector<Tap> columns(static_cast<std::size_t>(side));
  for (int x = 0; x < side; ++x)
    columns[static_cast<std::size_t>(params.flip ? side - 1 - x : x)] = tap_at(x, crop.width, side);

  std::vector<float> row(static_cast<std::size_t>(crop.width) * 3);
  const std::size_t stride = static_cast<std::size_t>(width) * 3;
  const std::uint8_t* corner = pixels.data() + static_cast<std::size_t>(crop.top) * stride +
                               static_cast<std::size_t>(crop.left) * 3;
  float* out = view.data();
  for (int y = 0; y < side; ++y) {
    const Tap tap = tap_at(y, crop.height, side);
    const std::uint8_t* upper = corner + tap.low * stride;
    const std::uint8_t* lower = corner + tap.high * stride;
    for (std::size_t i = 0; i < row.size(); ++i)
      row[i] = ((1.0F - tap.weight) * static_cast<float>(upper[i]) +
                tap.weight * static_cast<float>(lower[i])) /
               255.0F;
    for (const Tap& column : columns)
      for (std::size_t c = 0; c < 3; ++c)
        *out++ = (1.0F - column.weight) * row[3 * column.low + c] +
                 column.weight * row[3 * column.high + c];
  }
}

void apply_jitter(const ViewParams& params, std::span<float> view) {
  for (const JitterOp op : params.order) {
    switch (op) {
      case JitterOp::kBrightness:
        adjust_brightness(view, params.brightness);
        break;
      case JitterOp::kContrast:
        adjust_contrast(view, params.contrast);
        break;
      case JitterOp::kSaturation:
        adjust_saturation(view, params.saturation);
        break;
      case JitterOp::kHue:
        // torchvision leaves out an operation of amplitude 0. A factor of exactly 1 changes no bit
        // in the other three; the way through HSV would round.
        if (params.hue != 0.0F) adjust_hue(view, params.hue);
        break;
    }
  }
}

}  // namespace

ViewParams draw_view(const AugmentSettings& settings, int height, int width, Random& random) {
  assert(height > 0 && width > 0);
  ViewParams params;
  params.crop = draw_crop(settings, height, width, random);
  params.flip = random.chance(static_cast<float>(settings.flip));
  params.jitter = random.chance(static_cast<float>(settings.jitter));
  if (params.jitter) draw_jitter(settings, random, params);
  params.greyscale = random.chance(static_cast<float>(settings.greyscale));
  return params;
}

ViewParams whole_image(int height, int width) {
  ViewParams params;
  params.crop = {0, 0, height, width};
  return params;
}

void apply_view(const Image& image, const ViewParams& params, Normalization normalization, int side,
                std::span<float> view) {
  assert(view.size() == static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
  assert(params.crop.top >= 0 && params.crop.top + params.crop.height <= image.height);
  assert(params.crop.left >= 0 && params.crop.left + params.crop.width <= image.width);
  resize_crop(image.pixels, image.width, params, side, view);
  if (params.jitter) apply_jitter(params, view);
  if (params.greyscale) to_greyscale(view);
  if (normalization != Normalization::kNone) {
    const ChannelStatistics statistics = channel_statistics(normalization);
    normalize(view, statistics.mean, statistics.deviation);
  }
}

}  // namespace simclr
