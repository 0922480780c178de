#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"

namespace simclr {

struct StudyOptions {
  Settings base;                    ///< what all arms share
  std::string setting;              ///< "temperature" or "loss.temperature"
  std::vector<std::string> values;  ///< one arm each
  std::filesystem::path out;
  std::string command;
  bool overwrite = false;
  bool resume = false;
  std::function<bool()> stop = [] { return false; };
};

/// One arm: the run that it made, and why it failed if it did.
struct StudyTrial {
  std::string value;
  std::filesystem::path run;
  std::string failure;  ///< "" if it went through
};

struct StudyResult {
  std::vector<StudyTrial> trials;
  bool interrupted = false;
};

/// Pretrains one run per value in `out`/<setting>=<value>, then scores each by kNN, linear probe
/// and frozen fine-tuning. With `resume`, arms that are done are kept and the one that was cut
/// short goes on. An arm that diverges is marked and the others go on. @throws Error(kUsage) for an
/// unknown setting, a value out of range, a folder in use
StudyResult run_study(const StudyOptions& options, EventSink& sink);

}  // namespace simclr
