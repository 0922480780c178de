#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "simclr/formats/safetensors.h"

namespace simclr {

/// An output image has 255 levels; this is a four-hundredth of one.
constexpr float kGoldenTolerance = 1e-5F;

/// Values by torchvision, from tests/golden/make_augment.py (or another script's file).
class AugmentGolden {
 public:
  explicit AugmentGolden(const std::string& file = "augment.safetensors")
      : file_(SafetensorsFile::read(SIMCLR_GOLDEN_DIR "/" + file)) {}

  template <class T>
  std::vector<T> values(const std::string& name) const {
    const TensorEntry& entry = file_.tensors().at(name);
    std::vector<T> copy(entry.bytes / sizeof(T));
    if (!copy.empty()) std::memcpy(copy.data(), entry.data, entry.bytes);
    return copy;
  }

  std::int64_t size(const std::string& name, std::size_t dimension) const {
    return file_.tensors().at(name).shape.at(dimension);
  }

 private:
  SafetensorsFile file_;
};

/// Largest |a - b|; not a number if any element is not.
inline float largest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return NAN;
  float largest = 0.0F;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float difference = std::abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/// Into the report of --gtest_output, so that the margin below the tolerance can be read.
inline void record_difference(float largest, const std::string& name = "difference_in_billionths") {
  testing::Test::RecordProperty(name, static_cast<int>(largest * 1e9F));
}

}  // namespace simclr
