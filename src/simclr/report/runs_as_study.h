#pragma once

#include <filesystem>
#include <vector>

#include "simclr/report/study_records.h"

namespace simclr {

/// Runs beside each other, each folder once: those that differ in nothing but the seed are seeds of
/// one arm, whose values are the settings in which runs differ, and "init" where they began with
/// other encoders. Two runs of one seed are two arms.
/// @throws Error(kUsage) if there are none: no trial of the studies that were named is done
StudyRecords runs_as_study(const std::vector<std::filesystem::path>& runs);

}  // namespace simclr
