#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "simclr/core/events.h"
#include "simclr/study/plan.h"
#include "simclr/study/status.h"
#include "simclr/study/study_folder.h"

namespace simclr {

struct StudyOptions {
  StudyPlan plan;
  std::filesystem::path out;
  std::string command;
  bool overwrite = false;
  Selection selected;  ///< which of plan.trials are meant
  std::function<bool()> stop = [] { return false; };
};

struct StudyResult {
  std::vector<TrialState> states;  ///< of plan.trials
  bool interrupted = false;
};

/// Runs what is left of a study: for each trial pretraining, the evaluations, the common measure
/// and what its pictures need. Trials that are done are kept, one that was cut short goes on where
/// it was, those that another process works on are left to it. A trial that fails is marked with
/// its reason and the others go on; started again, it is tried anew unless it diverged.
/// @throws Error, before anything is trained: kUsage for a folder in use or another study in it,
/// for data of any selected trial that have no labels, or fewer validation images than the common
/// measure needs; as open_data()
StudyResult run_study(const StudyOptions& options, EventSink& sink);

/// "1,3-5" or every n-th of `count` ("2/4": the second of four shards) as indices from 0.
/// @throws Error(kUsage)
std::set<std::size_t> parse_trials(const std::string& text, std::size_t count);
std::set<std::size_t> parse_shard(const std::string& text, std::size_t count);

}  // namespace simclr
