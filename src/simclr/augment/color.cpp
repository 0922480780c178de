#include "simclr/augment/color.h"

#include <array>
#include <cassert>
#include <cmath>
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

// Not std::min, max and clamp: their references keep compilers from vectorising.
float smaller(float a, float b) { return a < b ? a : b; }
float larger(float a, float b) { return a > b ? a : b; }
float to_unit(float value) { return smaller(larger(value, 0.0F), 1.0F); }

float blend(float value, float other, float factor) {
  return to_unit(factor * value + (1.0F - factor) * other);
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
/// Operands are selected before anything is computed, so that vectors can do the same.
float hue_sextants(float red, float green, float blue, float highest, float chroma) {
  const bool is_red = highest == red;
  const bool is_green = highest == green;
  const float origin = is_red ? 0.0F : is_green ? 2.0F : 4.0F;
  const float ahead = is_red ? green : is_green ? blue : red;
  const float behind = is_red ? blue : is_green ? red : green;
  return origin + (ahead - behind) / (chroma > 0.0F ? chroma : 1.0F);
}

/// Into [0, 6], from [-6, 12].
float wrap(float sextants) {
  const float raised = sextants + (sextants < 0.0F ? 6.0F : 0.0F);
  return raised - (raised > 6.0F ? 6.0F : 0.0F);
}

}  // namespace

void adjust_brightness(std::span<float> rgb, float factor) {
  for (float& value : rgb) value = to_unit(factor * value);
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
    const float lowest = smaller(red, smaller(green, blue));
    const float highest = larger(red, larger(green, blue));
    const float chroma = highest - lowest;
    const float hue = wrap(hue_sextants(red, green, blue, highest, chroma) + shift);
    // Turning the hue keeps HSV's value and saturation, hence also the highest channel and chroma.
    rgb[i] = highest - chroma * to_unit(2.0F - std::abs(hue - 3.0F));
    rgb[i + 1] = highest - chroma * to_unit(std::abs(hue - 2.0F) - 1.0F);
    rgb[i + 2] = highest - chroma * to_unit(std::abs(hue - 4.0F) - 1.0F);
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
