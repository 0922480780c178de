#pragma once

#include "simclr/core/stopwatch.h"

namespace simclr {

/// Seconds of an epoch by what they went to.
struct StageSeconds {
  double loader = 0.0;      ///< waiting for the next batch of views
  double step = 0.0;        ///< forward, backward, update
  double evaluation = 0.0;  ///< validation and monitors
  double saving = 0.0;      ///< checkpoints

  double total() const { return loader + step + evaluation + saving; }
  /// The part of all that `seconds` is; 0 before anything was timed.
  double share(double seconds) const { return total() > 0.0 ? seconds / total() : 0.0; }
};

/// Adds the time from its beginning to its end to one of them.
class StageTimer {
 public:
  explicit StageTimer(double& seconds) : seconds_(seconds) {}
  ~StageTimer() { seconds_ += watch_.seconds(); }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  double& seconds_;
  Stopwatch watch_;
};

}  // namespace simclr
