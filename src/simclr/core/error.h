#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace simclr {

/// What the program's exit status says; one value per kind of failure.
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,     ///< flags or settings
  kData = 3,      ///< data missing or corrupt
  kDiverged = 4,  ///< loss or weights are not finite
  kStopped = 75,  ///< stopped by a signal, checkpoint saved
};

/// An error that its reader can act on: what is wrong (with file, key or line) and what to do next.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message, std::string hint = "")
      : std::runtime_error(message), code_(code), hint_(std::move(hint)) {}

  ExitCode code() const { return code_; }
  const std::string& hint() const { return hint_; }

 private:
  ExitCode code_;
  std::string hint_;
};

}  // namespace simclr
