#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace simclr {

/// One arm of a study: the value of the setting and the run that it made.
struct StudyArm {
  std::string value;
  std::filesystem::path run;
  std::string failure = {};  ///< why it has no result, in words; "" if it went through
};

/// Draws the two comparison pictures of a study (train and validation loss of all arms; fine-tune
/// test accuracy of all arms, with the random encoder's line), writes study.csv and report.md into
/// `folder`, from each run's metrics.jsonl and results.jsonl.
/// @return the table, ready to print, then any note @throws Error(kData) if a run's files are
/// damaged
std::string write_study_report(const std::filesystem::path& folder, const std::string& setting,
                               const std::vector<StudyArm>& arms);

}  // namespace simclr
