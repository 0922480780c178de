#pragma once

#include <cstdint>

#include "simclr/config/settings.h"

namespace simclr {

/// The highest rate of a run: `lr` as it is, times batch / 256 (linear), or times its root (sqrt).
/// Goyal et al. 2017, arXiv:1706.02677; Krizhevsky 2014, arXiv:1404.5997.
double peak_learning_rate(const OptimSettings& settings, std::int64_t batch_size);

/// The length of a run, in steps.
struct RunLength {
  std::int64_t steps_per_epoch = 0;
  std::int64_t total_steps = 0;
};

/// Learning rate of step `step` (0-based) of a run whose highest is `peak`: linear warm-up from 0
/// (step s of W warm-up steps has (s + 1) / W of the peak), then constant, or half a cosine that
/// would reach 0 at `total_steps`, or times step_factor for each milestone that has passed
/// (milestones count from the start of the run). A pure function: resuming needs no state.
double learning_rate(const OptimSettings& settings, double peak, std::int64_t step,
                     const RunLength& run);

}  // namespace simclr
