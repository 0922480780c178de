#include "simclr/augment/view.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace simclr {
namespace {

constexpr int kCropTries = 10;

/// Halves go to the even neighbour, as Python's round(), which torchvision uses.
int rounded(double value) { return static_cast<int>(std::lrint(value)); }

float uniform(double low, double high, Random& random) {
  return random.uniform(static_cast<float>(low), static_cast<float>(high));
}

/// The largest centred box whose ratio is in range, or the whole image if its own is.
CropBox central_crop(const ResizedCropSettings& settings, int height, int width) {
  CropBox crop{0, 0, height, width};
  const double ratio = static_cast<double>(width) / height;
  if (ratio < settings.ratio_min)
    crop.height = std::max(1, rounded(width / settings.ratio_min));
  else if (ratio > settings.ratio_max)
    crop.width = std::max(1, rounded(height * settings.ratio_max));
  crop.top = (height - crop.height) / 2;
  crop.left = (width - crop.width) / 2;
  return crop;
}

CropBox draw_crop(const ResizedCropSettings& settings, int height, int width, Random& random) {
  const double area = static_cast<double>(height) * width;
  const double log_ratio_min = std::log(settings.ratio_min);
  const double log_ratio_max = std::log(settings.ratio_max);
  for (int i = 0; i < kCropTries; ++i) {
    const double target =
        area * static_cast<double>(uniform(settings.scale_min, settings.scale_max, random));
    const double ratio =
        std::exp(static_cast<double>(uniform(log_ratio_min, log_ratio_max, random)));
    const int crop_width = rounded(std::sqrt(target * ratio));
    const int crop_height = rounded(std::sqrt(target / ratio));
    if (crop_width < 1 || crop_width > width || crop_height < 1 || crop_height > height) continue;
    const auto top = random.below(static_cast<std::uint32_t>(height - crop_height + 1));
    const auto left = random.below(static_cast<std::uint32_t>(width - crop_width + 1));
    return {static_cast<int>(top), static_cast<int>(left), crop_height, crop_width};
  }
  return central_crop(settings, height, width);
}

/// Draws each operation of a pipeline in turn.
struct Draw {
  int height;
  int width;
  int side;
  Random& random;
  ViewParams& params;

  bool happens(double probability) { return random.chance(static_cast<float>(probability)); }

  void operator()(const ResizedCropSettings& settings) {
    params.crop = draw_crop(settings, height, width, random);
  }
  void operator()(const CropSettings& settings) {
    const auto places = static_cast<std::uint32_t>(2 * settings.padding + 1);
    const auto padding = static_cast<int>(settings.padding);
    params.shift.top = static_cast<int>(random.below(places)) - padding;
    params.shift.left = static_cast<int>(random.below(places)) - padding;
  }
  void operator()(const FlipSettings& settings) { params.flip = happens(settings.p); }
  void operator()(const AutoAugmentSettings& settings) {
    if (happens(settings.p)) params.steps.emplace_back(draw_autoaugment(side, side, random));
  }
  void operator()(const JitterSettings& settings) {
    if (!happens(settings.p)) return;
    const auto factor = [&](double amplitude) {
      return uniform(std::max(0.0, 1.0 - amplitude), 1.0 + amplitude, random);
    };
    JitterParams jitter;
    for (std::uint32_t i = 4; i > 1; --i)
      std::swap(jitter.order[i - 1], jitter.order[random.below(i)]);
    jitter.brightness = factor(settings.brightness);
    jitter.contrast = factor(settings.contrast);
    jitter.saturation = factor(settings.saturation);
    jitter.hue = uniform(-settings.hue, settings.hue, random);
    params.steps.emplace_back(jitter);
  }
  void operator()(const GreyscaleSettings& settings) {
    if (happens(settings.p)) params.steps.emplace_back(GreyscaleParams{});
  }
  void operator()(const BlurSettings& settings) {
    if (!happens(settings.p)) return;
    // The paper's code: twice half of a tenth of the side, and the middle.
    const int half = std::max(static_cast<int>(settings.kernel * side) / 2, 1);
    const int kernel = 2 * std::min(half, side - 1) + 1;
    const float sigma = uniform(settings.sigma_min, settings.sigma_max, random);
    params.steps.emplace_back(BlurParams{kernel, sigma});
  }
  void operator()(const SolarizeSettings& settings) {
    if (happens(settings.p))
      params.steps.emplace_back(SolarizeParams{static_cast<float>(settings.threshold)});
  }
  void operator()(const NoiseSettings& settings) {
    if (!happens(settings.p)) return;
    const std::uint64_t high = random.next();
    const std::uint64_t key = high << 32 | random.next();
    params.steps.emplace_back(NoiseParams{static_cast<float>(settings.sigma), key});
  }
};

}  // namespace

void draw_view(const Pipeline& pipeline, int height, int width, int side, Random& random,
               ViewParams& params) {
  assert(height > 0 && width > 0 && side > 0);
  params.crop = {0, 0, height, width};
  params.shift = {};
  params.flip = false;
  params.steps.clear();
  for (const OperationSettings& operation : pipeline)
    std::visit(Draw{height, width, side, random, params}, operation);
}

ViewParams draw_view(const Pipeline& pipeline, int height, int width, int side, Random& random) {
  ViewParams params;
  draw_view(pipeline, height, width, side, random, params);
  return params;
}

ViewParams whole_image(int height, int width) {
  ViewParams params;
  params.crop = {0, 0, height, width};
  return params;
}

}  // namespace simclr
