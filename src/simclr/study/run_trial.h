#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "simclr/core/events.h"
#include "simclr/study/plan.h"
#include "simclr/study/study_folder.h"

namespace simclr {

/// One trial and what it needs to know of its study.
struct TrialWork {
  const StudyPlan& plan;
  const Trial& trial;
  const StudyFolder& folder;
  std::filesystem::path weights;  ///< to start from; "": random ones
  bool is_source = false;         ///< makes initial weights: not measured
  std::string command;
  std::function<bool()> stop;
};

/// Whatever of the trial is not done yet: pretraining (from its last checkpoint), each protocol,
/// the common measure, what its pictures need. @return false if `stop` ended it
/// @throws Error as pretrain and RunEvaluator
bool run_trial(const TrialWork& work, EventSink& sink);

/// The part of it that comes after pretraining.
bool finish_trial(const TrialWork& work, EventSink& sink);

}  // namespace simclr
