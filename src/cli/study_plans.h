#pragma once

#include <set>
#include <string>
#include <vector>

#include "simclr/study/estimate.h"
#include "simclr/study/status.h"

namespace simclr::cli {

/// The trials that the named sub-studies show. @throws Error(kUsage) with the nearest name
std::set<std::size_t> trials_of(const StudyPlan& plan, const std::vector<std::string>& sub_studies);

/// The trials with their expected times, and the sum; the source run is counted apart.
std::string estimate_table(const StudyPlan& plan, const Selection& selected,
                           const std::vector<TrialEstimate>& estimates);

/// A SLURM job array with a task for each selected trial: the same command, less --emit, --only and
/// --threads, with --trials. A task that must leave saves, ends with 75 and is queued again.
std::string slurm_script(const StudyPlan& plan, const Selection& selected,
                         const std::string& command_line);

}  // namespace simclr::cli
