#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simclr/config/schema.h"

namespace simclr {

/// Settings of an arm as YAML text, `key` -> value; "init" besides every setting's name.
using ArmValues = std::vector<std::pair<std::string, std::string>>;

struct ArmSpec {
  std::string label;
  ArmValues values;
};

struct SubStudySpec {
  std::string name;
  std::string title;
  std::vector<std::string> keys;
  ArmValues base;                    ///< what all its arms set before their own values
  std::vector<std::uint64_t> seeds;  ///< empty: the study's
  std::vector<ArmSpec> arms;
};

/// The one measure that all arms share: NT-Xent and top-1 among 2N - 1 on validation views.
struct CommonMeasureSpec {
  std::int64_t batch_size = 0;  ///< N; 0: the base's own, which make_plan puts in its place
  double temperature = 0.5;
};

/// A statement that the report judges (report/claims.h has the rules).
struct Claim {
  std::string text;
  std::string sub_study;
  std::string figure;             ///< "finetune", "loss_fall", "common_top1", ...
  std::string rule;               ///< "rises", "falls", "extremes-worse", "greater", "same"
  std::vector<std::string> arms;  ///< of greater and same: the first against the others
  double within = 0.0;            ///< of same: differences up to this count as none
};

/// A study as written: nothing is resolved yet.
struct StudyFile {
  std::string title = "study";
  SettingsBuilder base;  ///< preset and base settings
  std::vector<std::string> chosen;
  std::vector<std::uint64_t> seeds;    ///< empty: the base's own seed
  std::vector<std::string> protocols;  ///< "knn", "linear", "finetune"
  CommonMeasureSpec measure;
  std::optional<std::string> source;  ///< settings (YAML) of the run that makes initial weights
  std::vector<SubStudySpec> sub_studies;
  std::vector<Claim> claims;
};

/// Trials that a study file may describe, those that coincide counted each time.
inline constexpr std::size_t kMostStudyTrials = 1000;

/// Reads a study file (docs/study.md). @param origin  its name, for errors
/// @throws Error(kUsage) with file, line and the nearest name
StudyFile parse_study_file(const std::string& yaml, const std::string& origin);

/// The short form: one setting, a list of values. @throws Error(kUsage) for an unknown setting
StudyFile list_study(const std::string& setting, const std::vector<std::string>& values);

}  // namespace simclr
