#pragma once

#include <cstdint>

#include "simclr/config/settings.h"

namespace simclr {

/// Learning rate of step `step` (0-based): linear warm-up from 0 (step s of W warm-up steps has (s
/// + 1) / W of the rate), then constant, or half a cosine that would reach 0 at `total_steps`. A
/// pure function: resuming needs no state.
double learning_rate(const OptimSettings& settings, std::int64_t step, std::int64_t steps_per_epoch,
                     std::int64_t total_steps);

}  // namespace simclr
