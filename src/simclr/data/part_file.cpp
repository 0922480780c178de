#include "simclr/data/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <system_error>

#include "simclr/core/error.h"
#include "simclr/core/files.h"

namespace simclr {
namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& file, std::string_view what) {
  throw Error(ExitCode::kFailed,
              fmt::format("{}: {}: {}", file.string(), what, std::strerror(errno)),
              "Check that you may write there and that the disk is not full.");
}

}  // namespace

PartFile::PartFile(const fs::path& target)
    : path_(target.string() + ".part"), from_path_(target.string() + ".part.from") {
  std::error_code failure;
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), failure);
  // Who held it before may have renamed it while we waited for its lock.
  do {
    open();
  } while (!is_in_place());
}

PartFile::~PartFile() { ::close(descriptor_); }

void PartFile::open() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path_, "cannot write");
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(descriptor_);
  throw Error(ExitCode::kData, fmt::format("{}: another process is fetching it", path_.string()),
              "Wait until it is done.");
}

bool PartFile::is_in_place() const {
  struct stat ours {};
  struct stat named {};
  return ::fstat(descriptor_, &ours) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

std::uint64_t PartFile::size() const {
  const off_t end = ::lseek(descriptor_, 0, SEEK_END);
  if (end < 0) fail(path_, "cannot read");
  return static_cast<std::uint64_t>(end);
}

std::optional<std::string> PartFile::validator(const std::string& url) const {
  std::ifstream in(from_path_);
  std::string from;
  std::string validator;
  if (!std::getline(in, from) || from != url) return std::nullopt;
  std::getline(in, validator);
  return validator;
}

void PartFile::start_over(const std::string& url, const std::string& validator) {
  if (::ftruncate(descriptor_, 0) != 0) fail(path_, "cannot write");
  write_file_atomically(from_path_, fmt::format("{}\n{}\n", url, validator));
}

void PartFile::append(std::string_view bytes) {
  if (::lseek(descriptor_, 0, SEEK_END) < 0) fail(path_, "cannot write");
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(path_, "cannot write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PartFile::become(const fs::path& target) {
  if (::fsync(descriptor_) != 0) fail(path_, "cannot write");
  if (std::rename(path_.c_str(), target.c_str()) != 0) fail(target, "cannot replace");
  std::error_code ignored;
  fs::remove(from_path_, ignored);
}

void PartFile::throw_away() {
  std::error_code ignored;
  fs::remove(path_, ignored);
  fs::remove(from_path_, ignored);
}

}  // namespace simclr
