#pragma once

#include <optional>
#include <set>
#include <string>

#include "simclr/study/plan.h"
#include "simclr/study/study_folder.h"

namespace simclr {

/// Which trials of a plan are meant; nothing: all.
using Selection = std::optional<std::set<std::size_t>>;

/// The same, with the source run if one of them starts from it.
Selection with_source(const StudyPlan& plan, Selection selected);

bool is_selected(const Selection& selected, std::size_t trial);

/// What is done and what is left: a line for each selected trial with its number, name, the
/// sub-studies that show it, its stage; then the counts and the time remaining.
std::string status_table(const StudyPlan& plan, const StudyFolder& folder,
                         const Selection& selected);

/// Seconds that are left by what the trials and epochs so far took, weighed by the work that each
/// trial is; of one with a time budget by that. Nothing before the first epoch. With several
/// processes at work, as if they shared what is left evenly.
std::optional<double> seconds_left(const StudyPlan& plan, const StudyFolder& folder,
                                   const Selection& selected);

}  // namespace simclr
