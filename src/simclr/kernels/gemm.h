#pragma once

#include <cstdint>

#include "simclr/kernels/panels.h"

namespace simclr {

/// Where a part of a product's terms lies.
struct Segment {
  const float* a = nullptr;  ///< element (row 0, k 0)
  const float* b = nullptr;  ///< row k 0 of panel 0
};

/// c = a x b, the terms of each sum gathered from segments, in their order:
///   c[p * c_panel + r * 16 + l] (+)= sum over segments, k of
///       a[a_offset + r * a_row + k * a_step] * b[p * b_panel + k * 16 + l]     for l in [0, 16)
struct Product {
  const Segment* segment = nullptr;
  std::int64_t segments = 0;
  std::int64_t depth = kPanel;  ///< k of each segment
  std::int64_t a_offset = 0;
  std::int64_t a_row = kPanel;  ///< floats
  std::int64_t a_step = 1;      ///< floats
  std::int64_t b_panel = 0;     ///< floats
  float* c = nullptr;
  std::int64_t c_panel = 0;  ///< floats
  std::int64_t rows = 0;
  std::int64_t panels = 0;
  bool add = false;  ///< to what c holds
  /// What will be read next, of the size of b: fetched into cache meanwhile. Only where a_row is 16
  /// and a_step 1.
  const float* next_b = nullptr;
};

/// Floating-point operations of a product, a multiplication and an addition counted as two.
inline double operations(const Product& p) {
  return 2.0 * static_cast<double>(p.segments * p.depth * p.rows * p.panels * kPanel);
}

/// Runs a product on this thread, by the best instruction set of the processor.
void multiply(const Product& product);

}  // namespace simclr
