#pragma once

#include <filesystem>
#include <string>

#include "simclr/study/plan.h"
#include "simclr/study/trial_lock.h"

namespace simclr {

enum class TrialStage { kWaiting, kRunning, kDone, kFailed };

/// Where a trial stands.
struct TrialState {
  TrialStage stage = TrialStage::kWaiting;
  std::string reason;            ///< of a failure, in words
  bool diverged = false;         ///< of a failure: it would fail again
  double seconds = 0.0;          ///< that it took, all sittings together
  std::int64_t epochs_done = 0;  ///< of pretraining, while it is not done
  double epoch_seconds = 0.0;    ///< that those took
};

/// A study's folder, which several processes may share:
///   study.json     the plan            trials/NAME/       a run folder each
///   states/NAME.json  done or failed   locks/NAME         held by who works on it
///   baselines/       what random encoders scored, shared by trials that have the same one
///   measures/NAME.json  the common measure, report.html, report.md, tables/, plots/
class StudyFolder {
 public:
  /// Makes the folder, or goes on with the study in it. @throws Error(kUsage) if it holds something
  /// else, or a study of another base
  static StudyFolder open(const std::filesystem::path& path, const StudyPlan& plan,
                          const std::string& command, bool overwrite);

  /// To look at only: nothing is made. @throws Error(kUsage) if there is no study of this base
  static StudyFolder look(const std::filesystem::path& path, const StudyPlan& plan);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path run(const Trial& trial) const { return path_ / "trials" / trial.name; }
  std::filesystem::path measure(const Trial& trial) const {
    return path_ / "measures" / (trial.name + ".json");
  }
  std::filesystem::path lock(const Trial& trial) const { return path_ / "locks" / trial.name; }
  /// Of what is not a trial's: the plan, the report.
  static std::filesystem::path common_lock(const std::filesystem::path& study) {
    return study / "locks" / ".common";
  }
  std::filesystem::path baselines() const { return path_ / "baselines"; }

  /// A state that was written for other settings counts as none.
  TrialState state(const Trial& trial) const;
  void write_state(const Trial& trial, const TrialState& state) const;

 private:
  explicit StudyFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace simclr
