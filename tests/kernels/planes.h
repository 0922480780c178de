#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "simclr/core/random.h"
#include "simclr/kernels/pixels.h"

namespace simclr {

/// f32 [n, 3] as planes with room for whole vectors behind each.
class PlanesOf {
 public:
  explicit PlanesOf(const std::vector<float>& rgb) : PlanesOf(rgb.size() / 3) {
    for (std::size_t i = 0; i < rgb.size(); ++i) memory_[i % 3 * stride_ + i / 3] = rgb[i];
  }
  explicit PlanesOf(std::size_t n)
      : n_(n), stride_(padded(n) + kPixelLanes), memory_(3 * stride_, NAN) {}

  Planes planes() { return {memory_.data(), n_, stride_}; }

  std::vector<float> rgb() const {
    std::vector<float> values(3 * n_);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = memory_[i % 3 * stride_ + i / 3];
    return values;
  }

 private:
  std::size_t n_;
  std::size_t stride_;
  std::vector<float> memory_;
};

inline std::vector<std::uint8_t> random_bytes(int height, int width, std::uint32_t sample = 0) {
  Random random(RandomKey{.seed = 31, .sample = sample});
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(height * width * 3));
  for (std::uint8_t& value : bytes) value = static_cast<std::uint8_t>(random.below(256));
  return bytes;
}

/// f32 [side * side, 3] in [0, 1).
inline std::vector<float> random_values(int side, std::uint32_t sample = 0) {
  Random random(RandomKey{.seed = 32, .sample = sample});
  std::vector<float> values(static_cast<std::size_t>(side * side * 3));
  for (float& value : values) value = random.uniform();
  return values;
}

}  // namespace simclr
