#pragma once

#include <vector>

#include "simclr/core/events.h"
#include "simclr/study/plan.h"
#include "simclr/study/status.h"

namespace simclr {

/// What a trial is expected to take, part by part.
struct TrialEstimate {
  double step_seconds = 0.0;
  std::int64_t steps = 0;          ///< of all epochs; with a time budget, of those that fit
  double epoch_end_seconds = 0.0;  ///< validation and checkpoints, each epoch
  double evaluation_seconds = 0.0;
  double seconds = 0.0;  ///< in all; training takes the time budget, if there is one
};

/// Measures, for every kind of step that the plan has (network, batch size, views), a few seconds
/// of real training, and one evaluation for every kind of network and data; in a temporary folder
/// that is removed. @return one estimate for each of plan.trials, empty for those not selected
/// @throws Error as pretrain: a trial that cannot begin is told here
std::vector<TrialEstimate> estimate_study(const StudyPlan& plan, const Selection& selected,
                                          EventSink& sink);

}  // namespace simclr
