#include "simclr/augment/color.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>

namespace simclr {
namespace {

// torchvision's weights; they add up to 0.9999, so white turns into 0.9999.
constexpr float kRedWeight = 0.2989F;
constexpr float kGreenWeight = 0.587F;
constexpr float kBlueWeight = 0.114F;

float grey(float red, float green, float blue) {
  return kRedWeight * red + kGreenWeight * green + kBlueWeight * blue;
}

float blend(float value, float other, float factor) {
  return std::clamp(factor * value + (1.0F - factor) * other, 0.0F, 1.0F);
}

/// Grey is linear, so its mean is the grey of the channel means. Sums run in four pixels' worth of
/// lanes, in double: contiguous, and as exact for large images as for small ones.
float mean_grey(std::span<const float> rgb) {
  constexpr std::size_t kLanes = 12;
  std::array<double, kLanes> sums{};
  const std::size_t whole = rgb.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += static_cast<double>(rgb[i + lane]);
  for (std::size_t i = whole; i < rgb.size(); ++i) sums[i - whole] += static_cast<double>(rgb[i]);

  std::array<float, 3> mean{};
  const double pixels = static_cast<double>(rgb.size() / 3);
  for (std::size_t c = 0; c < 3; ++c)
    mean[c] = static_cast<float>((sums[c] + sums[c + 3] + sums[c + 6] + sums[c + 9]) / pixels);
  return grey(mean[0], mean[1], mean[2]);
}

/// Hue in sextants, in [-1, 5]: red 0, green 2, blue 4. Any value does where chroma is 0.
float hue_sextants(float red, float green, float blue, float highest, float chroma) {
  const float scale = 1.0F / (chroma > 0.0F ? chroma : 1.0F);
  const float near_red = (green - blue) * scale;
  const float near_green = 2.0F + (blue - red) * scale;
  const float near_blue = 4.0F + (red - green) * scale;
  const float not_red = highest == green ? near_green : near_blue;
  return highest == red ? near_red : not_red;
}

/// Into [0, 6), from [-6, 12).
float wrap(float sextants) {
  const float raised = sextants < 0.0F ? sextants + 6.0F : sextants;
  return raised >= 6.0F ? raised - 6.0F : raised;
}

/// Share of the chroma that a channel lacks: 0 within a sextant of its own colour, 1 within a
/// sextant of the opposite one, linear between. `from_edge` counts from where it starts to lack.
float lack(float from_edge) {
  return std::clamp(std::min(from_edge, 4.0F - from_edge), 0.0F, 1.0F);
}

}  // namespace

void adjust_brightness(std::span<float> rgb, float factor) {
  for (float& value : rgb) value = std::clamp(factor * value, 0.0F, 1.0F);
}

void adjust_contrast(std::span<float> rgb, float factor) {
  const float mean = mean_grey(rgb);
  for (float& value : rgb) value = blend(value, mean, factor);
}

void adjust_saturation(std::span<float> rgb, float factor) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const float other = grey(rgb[i], rgb[i + 1], rgb[i + 2]);
    rgb[i] = blend(rgb[i], other, factor);
    rgb[i + 1] = blend(rgb[i + 1], other, factor);
    rgb[i + 2] = blend(rgb[i + 2], other, factor);
  }
}

void adjust_hue(std::span<float> rgb, float turns) {
  assert(turns >= -0.5F && turns <= 0.5F);
  const float shift = 6.0F * turns;
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const float red = rgb[i];
    const float green = rgb[i + 1];
    const float blue = rgb[i + 2];
    const float highest = std::max(red, std::max(green, blue));
    const float chroma = highest - std::min(red, std::min(green, blue));
    const float hue = wrap(hue_sextants(red, green, blue, highest, chroma) + shift);
    // Turning the hue keeps HSV's value and saturation, hence also the highest channel and chroma.
    rgb[i] = highest - chroma * lack(wrap(hue + 5.0F));
    rgb[i + 1] = highest - chroma * lack(wrap(hue + 3.0F));
    rgb[i + 2] = highest - chroma * lack(wrap(hue + 1.0F));
  }
}

void to_greyscale(std::span<float> rgb) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const float value = grey(rgb[i], rgb[i + 1], rgb[i + 2]);
    rgb[i] = value;
    rgb[i + 1] = value;
    rgb[i + 2] = value;
  }
}

void normalize(std::span<float> rgb, std::span<const float, 3> mean,
               std::span<const float, 3> deviation) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) rgb[i + c] = (rgb[i + c] - mean[c]) / deviation[c];
}

}  // namespace simclr
