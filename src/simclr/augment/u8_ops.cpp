#include "simclr/augment/u8_ops.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "simclr/augment/u8_warp.h"

namespace simclr {
namespace {

constexpr std::size_t kLevels = 256;
using Table = std::array<std::uint8_t, kLevels>;

// Not std::min, max and clamp: their references keep compilers from vectorising. Not-a-number
// becomes the bound.
float smaller(float a, float b) { return a < b ? a : b; }
float larger(float a, float b) { return a > b ? a : b; }

/// Cuts the fraction off, as torchvision does when it returns to uint8.
std::uint8_t to_level(float value) {
  return static_cast<std::uint8_t>(static_cast<int>(smaller(larger(value, 0.0F), 255.0F)));
}

/// The shares of the image and of what it is blended with: 1 + magnitude and the rest.
struct Shares {
  explicit Shares(float magnitude) : image(1.0F + magnitude), other(-magnitude) {}

  std::uint8_t blend(std::uint8_t value, float share_of_other) const {
    return to_level(image * static_cast<float>(value) + share_of_other);
  }

  float image;
  float other;
};

std::uint8_t grey(const std::uint8_t* pixel) {
  return to_level(0.2989F * static_cast<float>(pixel[0]) + 0.587F * static_cast<float>(pixel[1]) +
                  0.114F * static_cast<float>(pixel[2]));
}

void adjust_brightness(std::span<std::uint8_t> rgb, Shares shares) {
  for (std::uint8_t& value : rgb) value = shares.blend(value, 0.0F);
}

void adjust_color(std::span<std::uint8_t> rgb, Shares shares) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const float other = shares.other * static_cast<float>(grey(&rgb[i]));
    for (std::size_t c = 0; c < 3; ++c) rgb[i + c] = shares.blend(rgb[i + c], other);
  }
}

void adjust_contrast(std::span<std::uint8_t> rgb, Shares shares) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) sum += grey(&rgb[i]);
  const float mean = static_cast<float>(sum) / static_cast<float>(rgb.size() / 3);
  const float other = shares.other * mean;
  for (std::uint8_t& value : rgb) value = shares.blend(value, other);
}

/// The outermost pixels are not blurred, but blended with themselves, which can round them down.
void adjust_sharpness(std::span<std::uint8_t> rgb, int height, int width, Shares shares,
                      U8Scratch& scratch) {
  if (height < 3 || width < 3) return;
  scratch.source.assign(rgb.begin(), rgb.end());
  const auto blend_with_itself = [shares](std::span<std::uint8_t> values) {
    for (std::uint8_t& value : values)
      value = shares.blend(value, shares.other * static_cast<float>(value));
  };
  const std::size_t stride = static_cast<std::size_t>(width) * 3;
  blend_with_itself(rgb.first(stride));
  blend_with_itself(rgb.last(stride));
  for (int y = 1; y + 1 < height; ++y) {
    const std::uint8_t* middle = scratch.source.data() + static_cast<std::size_t>(y) * stride;
    const std::uint8_t* upper = middle - stride;
    const std::uint8_t* lower = middle + stride;
    const auto row = rgb.subspan(static_cast<std::size_t>(y) * stride, stride);
    blend_with_itself(row.first(3));
    blend_with_itself(row.last(3));
    for (std::size_t i = 3; i + 3 < stride; ++i) {
      const int sum = upper[i - 3] + upper[i] + upper[i + 3] + middle[i - 3] + 5 * middle[i] +
                      middle[i + 3] + lower[i - 3] + lower[i] + lower[i + 3];
      const int blurred = (sum + 6) / 13;  // to the nearest: thirteenths have no halves
      row[i] = shares.blend(middle[i], shares.other * static_cast<float>(blurred));
    }
  }
}

void posterize(std::span<std::uint8_t> rgb, float magnitude) {
  const int bits = static_cast<int>(smaller(larger(magnitude, 0.0F), 8.0F));
  const auto mask = static_cast<std::uint8_t>(0xFF00 >> bits);
  for (std::uint8_t& value : rgb) value &= mask;
}

void invert(std::span<std::uint8_t> rgb) {
  for (std::uint8_t& value : rgb) value = static_cast<std::uint8_t>(255 - value);
}

void solarize(std::span<std::uint8_t> rgb, float threshold) {
  if (!(threshold <= 255.0F)) return;
  const auto first = static_cast<std::uint8_t>(std::ceil(larger(threshold, 0.0F)));
  for (std::uint8_t& value : rgb)
    value = value >= first ? static_cast<std::uint8_t>(255 - value) : value;
}

void apply_tables(std::span<std::uint8_t> rgb, const std::array<Table, 3>& tables) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) rgb[i + c] = tables[c][rgb[i + c]];
}

/// The scale is a rounded reciprocal times 255, as in PyTorch, not a rounded quotient: the
/// brightest value can come to 254.
void stretch(std::uint8_t lowest, std::uint8_t highest, Table& table) {
  const auto low = static_cast<float>(lowest);
  const float scale = 1.0F / (static_cast<float>(highest) - low) * 255.0F;
  for (std::size_t level = 0; level < kLevels; ++level)
    table[level] = to_level((static_cast<float>(level) - low) * scale);
}

void identity(Table& table) {
  for (std::size_t level = 0; level < kLevels; ++level)
    table[level] = static_cast<std::uint8_t>(level);
}

void auto_contrast(std::span<std::uint8_t> rgb) {
  constexpr std::size_t kLanes = 48;  // sixteen pixels side by side, so that vectors can be used
  std::array<std::uint8_t, kLanes> lowest;
  std::array<std::uint8_t, kLanes> highest;
  lowest.fill(255);
  highest.fill(0);
  const auto take = [&](std::size_t lane, std::uint8_t low, std::uint8_t high) {
    lowest[lane] = low < lowest[lane] ? low : lowest[lane];
    highest[lane] = high > highest[lane] ? high : highest[lane];
  };
  const std::size_t whole = rgb.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) take(lane, rgb[i + lane], rgb[i + lane]);
  for (std::size_t i = whole; i < rgb.size(); ++i) take(i - whole, rgb[i], rgb[i]);
  for (std::size_t lane = 3; lane < kLanes; ++lane) take(lane % 3, lowest[lane], highest[lane]);

  std::array<Table, 3> tables;
  for (std::size_t c = 0; c < 3; ++c)
    highest[c] > lowest[c] ? stretch(lowest[c], highest[c], tables[c]) : identity(tables[c]);
  apply_tables(rgb, tables);
}

/// A level becomes the number of values below it, in steps of a 255th of all but the brightest.
void even_out(const std::array<std::uint32_t, kLevels>& histogram, std::size_t pixels,
              Table& table) {
  std::size_t brightest = kLevels - 1;
  while (histogram[brightest] == 0) --brightest;
  const std::uint64_t step = (pixels - histogram[brightest]) / 255;
  if (step == 0) {
    identity(table);
    return;
  }
  std::uint64_t below = step / 2;
  for (std::size_t level = 0; level <= brightest; ++level) {
    if (histogram[level] == 0) continue;  // no pixel asks for it
    table[level] = static_cast<std::uint8_t>(std::min<std::uint64_t>(below / step, 255));
    below += histogram[level];
  }
}

void equalize(std::span<std::uint8_t> rgb) {
  std::array<std::array<std::uint32_t, kLevels>, 3> histograms{};
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) ++histograms[c][rgb[i + c]];
  std::array<Table, 3> tables;
  for (std::size_t c = 0; c < 3; ++c) even_out(histograms[c], rgb.size() / 3, tables[c]);
  apply_tables(rgb, tables);
}

}  // namespace

void apply_u8_step(std::span<std::uint8_t> rgb, int height, int width, const U8Step& step,
                   U8Scratch& scratch) {
  assert(height > 0 && width > 0);
  assert(rgb.size() == static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
  switch (step.op) {
    case U8Op::kShearX:
    case U8Op::kShearY:
    case U8Op::kTranslateX:
    case U8Op::kTranslateY:
    case U8Op::kRotate:
      return apply_warp(rgb, height, width, step, scratch);
    case U8Op::kBrightness:
      return adjust_brightness(rgb, Shares(step.magnitude));
    case U8Op::kColor:
      return adjust_color(rgb, Shares(step.magnitude));
    case U8Op::kContrast:
      return adjust_contrast(rgb, Shares(step.magnitude));
    case U8Op::kSharpness:
      return adjust_sharpness(rgb, height, width, Shares(step.magnitude), scratch);
    case U8Op::kPosterize:
      return posterize(rgb, step.magnitude);
    case U8Op::kSolarize:
      return solarize(rgb, step.magnitude);
    case U8Op::kAutoContrast:
      return auto_contrast(rgb);
    case U8Op::kEqualize:
      return equalize(rgb);
    case U8Op::kInvert:
      return invert(rgb);
  }
}

}  // namespace simclr
