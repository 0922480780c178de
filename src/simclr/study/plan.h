#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/study/study_file.h"

namespace simclr {

/// One pretraining with its evaluations. Trials are what a study runs; arms are what it shows.
struct Trial {
  std::string name;      ///< of its folder: what differs from the study's base
  Settings settings;     ///< resolved
  std::string init;      ///< "random", "source" (the study's source run), or a weights file's path
  std::string identity;  ///< SHA-256 of everything that decides its result
};

/// One line of a sub-study: a label and a trial for each seed.
struct Arm {
  std::string label;
  std::vector<std::pair<std::string, std::string>> values;  ///< key (or "init") -> text
  std::vector<std::size_t> trials;                          ///< index into StudyPlan::trials
};

struct SubStudy {
  std::string name;
  std::string title;
  std::vector<std::string> keys;  ///< what its arms differ in
  std::vector<Arm> arms;
};

/// A study with every setting resolved. Arms of several sub-studies whose settings coincide share
/// their trials.
struct StudyPlan {
  std::string title;
  Settings base;
  std::vector<std::string> chosen;
  std::vector<std::string> protocols;
  CommonMeasureSpec measure;
  std::vector<Claim> claims;
  std::vector<SubStudy> sub_studies;
  std::vector<Trial> trials;
  std::optional<std::size_t> source;  ///< the trial that makes the weights of init "source"
};

/// @param base          the file's settings, with what the user changed on the command line
/// @param weights_file  "" or the file that stands for init "source": then no source run is needed
/// @throws Error(kUsage) naming sub-study and arm for settings that do not fit or weights that are
/// not there
StudyPlan make_plan(const StudyFile& file, const Settings& base,
                    const std::string& weights_file = "");

/// Whether a setting changes how fast a result comes or how it is saved, not which one it is.
bool decides_nothing(const std::string& key);

/// SHA-256 over every setting that decides a result and over where the weights start.
std::string trial_identity(const Settings& settings, const std::string& init);

/// The plan as JSON, for readers that have no LibTorch: study.json (see docs/study.md).
std::string to_json(const StudyPlan& plan, const std::string& command);

}  // namespace simclr
