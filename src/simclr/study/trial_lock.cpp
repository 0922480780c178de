#include "simclr/study/trial_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <sstream>

#include "simclr/core/error.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

/// Names the place whose process numbers are comparable: containers of one machine have the same
/// boot, but numbers of their own.
std::string this_place() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  std::error_code unknown;
  return fmt::format("{}/{}", host.data(), fs::read_symlink("/proc/self/ns/pid", unknown).string());
}

std::string new_token() {
  static std::atomic<int> count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return fmt::format("{} {} {}-{}", getpid(), this_place(), now, ++count);
}

/// true: made; false: there was one already. O_EXCL is atomic on every file system of today.
bool make_file(const fs::path& file, const std::string& content) {
  const int descriptor = open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
  if (descriptor < 0) {
    if (errno == EEXIST) return false;
    throw Error(ExitCode::kFailed, fmt::format("{}: {}", file.string(), std::strerror(errno)),
                "Every process of a study must be able to write into its folder.");
  }
  const bool whole =
      write(descriptor, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  close(descriptor);
  if (whole) return true;
  unlink(file.c_str());
  throw Error(ExitCode::kFailed, fmt::format("{}: cannot be written", file.string()),
              "Is the disk full?");
}

/// Nothing if there is no such file (any more).
std::optional<std::string> content_of(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY);
  if (descriptor < 0) return std::nullopt;
  std::array<char, 1024> buffer{};
  const ssize_t size = read(descriptor, buffer.data(), buffer.size());
  close(descriptor);
  return std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
}

double seconds_of(const struct timespec& time) {
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// How long `file` was not renewed, by the file system's own clock: a file made now tells it.
double age_of(const fs::path& file) {
  struct stat there = {};
  if (stat(file.c_str(), &there) != 0) return 0.0;
  const fs::path probe = file.string() + fmt::format(".now-{}", getpid());
  const int descriptor = open(probe.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (descriptor < 0) return 0.0;
  struct stat now = {};
  const bool known = write(descriptor, "x", 1) == 1 && fstat(descriptor, &now) == 0;
  close(descriptor);
  unlink(probe.c_str());
  return known ? seconds_of(now.st_mtim) - seconds_of(there.st_mtim) : 0.0;
}

bool is_stale(const fs::path& file, const std::string& token, const LockTimes& times) {
  std::istringstream words(token);
  pid_t process = 0;
  std::string place;
  words >> process >> place;
  const bool gone_here = place == this_place() && process > 0 && process != getpid() &&
                         kill(process, 0) != 0 && errno == ESRCH;
  return gone_here || age_of(file) > times.stale_seconds;
}

/// Removes a stale lock. Only one may try at a time, or the second would remove what the first has
/// made anew.
void remove_stale(const fs::path& file, const LockTimes& times) {
  const fs::path guard = file.string() + ".takeover";
  if (!make_file(guard, new_token())) {
    if (age_of(guard) > times.stale_seconds) unlink(guard.c_str());
    return;
  }
  const auto token = content_of(file);
  if (token && is_stale(file, *token, times)) unlink(file.c_str());
  unlink(guard.c_str());
}

}  // namespace

std::unique_ptr<TrialLock> TrialLock::take(const fs::path& file, LockTimes times) {
  const std::string token = new_token();
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (make_file(file, token))
      return std::unique_ptr<TrialLock>(new TrialLock(file, token, times));
    const auto holder = content_of(file);
    if (holder && !is_stale(file, *holder, times)) return nullptr;
    remove_stale(file, times);
  }
  return nullptr;
}

std::unique_ptr<TrialLock> TrialLock::wait_for(const fs::path& file) {
  constexpr auto kPause = std::chrono::milliseconds(50);
  constexpr int kAttempts = 2400;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (auto lock = take(file)) return lock;
    std::this_thread::sleep_for(kPause);
  }
  throw Error(ExitCode::kFailed, fmt::format("{} is held by another process", file.string()),
              "Remove the file if no other process works on this study.");
}

bool TrialLock::is_held(const fs::path& file, LockTimes times) {
  const auto holder = content_of(file);
  return holder && !is_stale(file, *holder, times);
}

TrialLock::TrialLock(fs::path file, std::string token, LockTimes times)
    : file_(std::move(file)), token_(std::move(token)), times_(times), heart_([this] { beat(); }) {}

TrialLock::~TrialLock() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  heart_.join();
  if (content_of(file_) == token_) unlink(file_.c_str());
}

void TrialLock::beat() {
  std::unique_lock guard(mutex_);
  const auto pause = std::chrono::duration<double>(times_.beat_seconds);
  while (!wake_.wait_for(guard, pause, [this] { return ending_; })) {
    if (content_of(file_) != token_) {
      lost_ = true;
      return;
    }
    utimensat(AT_FDCWD, file_.c_str(), nullptr, 0);
  }
}

}  // namespace simclr
