#pragma once

#include <string>

#include "simclr/report/document.h"
#include "simclr/report/study_records.h"

// The tables of a study's report.
namespace simclr {

/// Arms with losses, common measure and accuracies, mean +- sd over seeds; the random encoder last.
/// Its CSV has a row for each arm and figure: mean, sd, n, and the value of each seed.
Table arms_table(const StudyRecords& study, const SubStudyRecord& sub);

/// Each arm less the arm with the study's own settings (else the first), paired by seed, with 95 %
/// intervals.
Table differences_table(const StudyRecords& study, const SubStudyRecord& sub);

/// Every epoch of every trial of the sub-study, for the CSV; shown are only its first columns.
Table curves_table(const StudyRecords& study, const SubStudyRecord& sub);

Table claims_table(const StudyRecords& study);

Table trials_table(const StudyRecords& study);

/// The table in aligned columns for a terminal.
std::string aligned(const Table& table);

}  // namespace simclr
