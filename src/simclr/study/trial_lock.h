#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace simclr {

/// How often a holder shows that it lives, and after how long a silent one counts as gone.
struct LockTimes {
  double beat_seconds = 15.0;
  double stale_seconds = 300.0;
};

/// The right to work on one trial of a study that several processes, on one machine or on several
/// with a shared folder, work on: a file made atomically. Its holder renews the file's time while
/// it lives. A lock is stale if its process is gone from this machine, or if it was not renewed for
/// `stale_seconds` by the clock of the file system.
class TrialLock {
 public:
  /// @return null if another holds it  @throws Error(kFailed) if the folder cannot be written
  static std::unique_ptr<TrialLock> take(const std::filesystem::path& file, LockTimes times = {});
  /// Waits until it can be had: for what takes a moment. @throws Error(kFailed) after two minutes
  static std::unique_ptr<TrialLock> wait_for(const std::filesystem::path& file);
  /// Whether somebody alive holds it.
  static bool is_held(const std::filesystem::path& file, LockTimes times = {});

  ~TrialLock();  ///< gives it back
  TrialLock(const TrialLock&) = delete;
  TrialLock& operator=(const TrialLock&) = delete;

  /// Another took it meanwhile, as this process had been silent for too long (a laptop asleep).
  bool lost() const { return lost_; }

 private:
  TrialLock(std::filesystem::path file, std::string token, LockTimes times);
  void beat();

  std::filesystem::path file_;
  std::string token_;
  LockTimes times_;
  std::atomic<bool> lost_ = false;
  bool ending_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread heart_;
};

}  // namespace simclr
