#pragma once

#include <cstdint>
#include <functional>

#include "simclr/kernels/panels.h"

namespace simclr {

/// What one task of a convolution has written of one panel, while it is still in cache.
struct Stretch {
  std::int64_t task = 0;  ///< below the convolution's output_tasks()
  std::int64_t panel = 0;
  float* const* rows = nullptr;  ///< of each position: its first image's 16 channels
  std::int64_t positions = 0;
  std::int64_t images = 0;
};

/// What is done with each stretch: once with every value of the output. Called by several threads,
/// but for one task and panel in order.
using Epilogue = std::function<void(const Stretch&)>;

}  // namespace simclr
