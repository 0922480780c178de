#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace simclr {

/// What a layer's time goes into.
enum class Pass { kForward, kInputGradient, kWeightGradient, kNormForward, kNormBackward };
inline constexpr int kPasses = 5;

/// Seconds of each layer's passes, added up over steps. Layer 0 is the stem.
class StepProfile {
 public:
  explicit StepProfile(std::int64_t layers)
      : seconds_(static_cast<std::size_t>(layers * kPasses)) {}

  double& seconds(std::int64_t layer, Pass pass) {
    return seconds_[static_cast<std::size_t>(layer * kPasses + static_cast<int>(pass))];
  }

 private:
  std::vector<double> seconds_;
};

/// Adds the time until it goes out of scope. Does nothing without a profile.
class PassTimer {
 public:
  PassTimer(StepProfile* profile, std::int64_t layer, Pass pass)
      : profile_(profile), layer_(layer), pass_(pass) {
    if (profile_ != nullptr) start_ = Clock::now();
  }
  ~PassTimer() {
    if (profile_ != nullptr)
      profile_->seconds(layer_, pass_) +=
          std::chrono::duration<double>(Clock::now() - start_).count();
  }
  PassTimer(const PassTimer&) = delete;
  PassTimer& operator=(const PassTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  StepProfile* profile_;
  std::int64_t layer_;
  Pass pass_;
  Clock::time_point start_;
};

}  // namespace simclr
