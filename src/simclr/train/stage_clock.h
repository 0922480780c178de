#pragma once

#include <chrono>

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
  ~StageTimer() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace simclr
