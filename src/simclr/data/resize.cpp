#include "simclr/data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace simclr {
namespace {

constexpr std::size_t kChannels = 3;

/// What one output value is made of: inputs first, first + 1, ... by these weights, whose sum is 1.
struct Taps {
  std::size_t first = 0;
  std::vector<float> weights;
};

/// The triangle filter from `in` to `out` values, cut off at the edges.
std::vector<Taps> triangle_filter(int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const double reach = std::max(scale, 1.0);
  std::vector<Taps> filter(static_cast<std::size_t>(out));
  for (int i = 0; i < out; ++i) {
    const double center = scale * (i + 0.5);
    const int first = std::max(static_cast<int>(center - reach + 0.5), 0);
    const int last = std::min(static_cast<int>(center + reach + 0.5), in);
    std::vector<double> weights;
    double total = 0.0;
    for (int input = first; input < last; ++input) {
      weights.push_back(std::max(1.0 - std::abs(input + 0.5 - center) / reach, 0.0));
      total += weights.back();
    }
    Taps& taps = filter[static_cast<std::size_t>(i)];
    taps.first = static_cast<std::size_t>(first);
    for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / total));
  }
  return filter;
}

/// One row: u8 [width, 3] to f32 [outputs, 3].
void mix_columns(const std::uint8_t* row, const std::vector<Taps>& filter, float* out) {
  for (const Taps& taps : filter) {
    const std::uint8_t* pixel = row + taps.first * kChannels;
    float red = 0.0F;
    float green = 0.0F;
    float blue = 0.0F;
    for (const float weight : taps.weights) {
      red += weight * static_cast<float>(pixel[0]);
      green += weight * static_cast<float>(pixel[1]);
      blue += weight * static_cast<float>(pixel[2]);
      pixel += kChannels;
    }
    out[0] = red;
    out[1] = green;
    out[2] = blue;
    out += kChannels;
  }
}

/// Rows f32 [inputs, values] to one rounded row u8 [values]; `sums` is f32 [values].
void mix_rows(const float* rows, const Taps& taps, std::span<float> sums, std::uint8_t* out) {
  std::fill(sums.begin(), sums.end(), 0.0F);
  const float* row = rows + taps.first * sums.size();
  for (const float weight : taps.weights) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += weight * row[i];
    row += sums.size();
  }
  for (std::size_t i = 0; i < sums.size(); ++i)
    out[i] = static_cast<std::uint8_t>(std::clamp(sums[i] + 0.5F, 0.0F, 255.0F));
}

}  // namespace

DecodedImage resize_antialiased(std::span<const std::uint8_t> pixels, ImageSize from,
                                ImageSize to) {
  const auto height = static_cast<std::size_t>(from.height);
  const std::size_t row_bytes = static_cast<std::size_t>(from.width) * kChannels;
  const std::size_t values = static_cast<std::size_t>(to.width) * kChannels;
  std::vector<float> rows(height * values);
  const std::vector<Taps> columns = triangle_filter(from.width, to.width);
  for (std::size_t y = 0; y < height; ++y)
    mix_columns(pixels.data() + y * row_bytes, columns, rows.data() + y * values);
  DecodedImage result;
  result.height = to.height;
  result.width = to.width;
  result.pixels.resize(static_cast<std::size_t>(to.height) * values);
  std::vector<float> sums(values);
  std::uint8_t* out = result.pixels.data();
  for (const Taps& taps : triangle_filter(from.height, to.height)) {
    mix_rows(rows.data(), taps, sums, out);
    out += values;
  }
  return result;
}

ImageSize shrunk_size(ImageSize size, int side) {
  const int shorter = std::min(size.height, size.width);
  if (shorter <= side) return size;
  const auto scaled = [&](int length) {
    return static_cast<int>(static_cast<std::int64_t>(length) * side / shorter);
  };
  return {scaled(size.height), scaled(size.width)};
}

}  // namespace simclr
