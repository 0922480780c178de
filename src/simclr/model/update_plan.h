#pragma once

#include <cstdint>

namespace simclr {

/// How an update goes through an encoder.
struct UpdatePlan {
  std::int64_t side = 0;             ///< of the views, in pixels
  std::int64_t views = 0;            ///< of a pass
  std::int64_t waiting = 1;          ///< forward passes before the first backward pass
  std::int64_t backward_passes = 1;  ///< whose gradients are added up
};

}  // namespace simclr
