#pragma once

#include <optional>
#include <set>
#include <string>

#include "simclr/study/plan.h"
#include "simclr/study/study_folder.h"

namespace simclr {

/// Which trials of a plan are meant; nothing: all.
using Selection = std::optional<std::set<std::size_t>>;

/// What is done and what is left: a line for each selected trial with its number, name, the
/// sub-studies that show it, its stage; then the counts and the time remaining.
std::string status_table(const StudyPlan& plan, const StudyFolder& folder,
                         const Selection& selected);

/// Seconds that are left by what has been measured so far: the trial's own epochs, else the epochs
/// of the others, scaled by the work of a step. Nothing before the first epoch. With several
/// processes at work, as if they shared what is left evenly.
std::optional<double> seconds_left(const StudyPlan& plan, const StudyFolder& folder,
                                   const Selection& selected);

}  // namespace simclr
