#pragma once

#include <filesystem>
#include <string>

#include "simclr/report/document.h"
#include "simclr/report/study_records.h"

namespace simclr {

/// Writes report.html, report.md, tables/*.csv and plots/* into a study's folder, from study.json
/// and its trials.
/// @return the tables of its sub-studies, ready to print, then any note
/// @throws Error(kUsage) if it is not a study, Error(kData) if a trial's files are damaged
std::string write_study_report(const std::filesystem::path& folder);

/// The same of runs put beside each other; a run or a study of several are told apart by the
/// caller.
std::string write_comparison(const StudyRecords& study, const std::filesystem::path& folder);

/// The report before it is written; pictures that are not plots go into `folder`/plots at once.
Document study_document(const StudyRecords& study, const std::filesystem::path& folder);

}  // namespace simclr
