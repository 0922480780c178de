#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "simclr/eval/protocols.h"
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
  std::int64_t epochs = 0;       ///< that there are to be, as the run has it; 0: before the first
};

/// A study's folder, which several processes may share:
///   study.json     the plan            trials/NAME/       a run folder each
///   states/NAME.json  done or failed   locks/NAME         held by who works on it
///   baselines/       what random encoders scored, shared by trials that have the same one
///   measures/NAME.json  the common measure, report.html, report.md, tables/, plots/
class StudyFolder {
 public:
  /// Makes the folder, or goes on with the study in it, to which arms, seeds, sub-studies and
  /// protocols may be added. @throws Error(kUsage) if it holds something else, or a study of
  /// another base or common measure, or one whose trials of the same name begin from other weights
  static StudyFolder open(const std::filesystem::path& path, const StudyPlan& plan,
                          const std::string& command, bool overwrite);

  /// To look at only: nothing is made. @throws Error(kUsage) if there is no study, or as open()
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

  /// A state that was written for other settings counts as none. A trial that was done before
  /// protocols were added to the study is not.
  TrialState state(const Trial& trial) const;
  void write_state(const Trial& trial, const TrialState& state) const;

  /// The study's protocols by which the trial's best encoder was not scored yet on its own images.
  std::vector<Protocol> protocols_left(const Trial& trial) const;

 private:
  StudyFolder(std::filesystem::path path, const StudyPlan& plan);

  std::filesystem::path path_;
  std::vector<std::string> protocols_;
  std::string source_;  ///< the trial that is not scored; "": there is none
};

}  // namespace simclr
