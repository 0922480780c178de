#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/data/image_cache.h"

// How a cache comes to be a file: found, made by one process at a time, never half there.
namespace simclr {
namespace {

namespace fs = std::filesystem;

/// Held by the process that makes a cache; the others wait. It goes with a process that dies.
class BuildLock {
 public:
  BuildLock(fs::path path, EventSink& sink) : path_(std::move(path)) {
    do {
      if (descriptor_ >= 0) ::close(descriptor_);
      descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (descriptor_ < 0) return;  // writing the cache will say why
      if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) continue;
      if (errno != EWOULDBLOCK) return;  // a file system without locks
      sink.message("Another process is reading these pictures; waiting for it.");
      while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
      }
    } while (!still_there());
    held_ = true;
  }

  ~BuildLock() {
    if (descriptor_ < 0) return;
    ::unlink(path_.c_str());
    ::close(descriptor_);
  }
  BuildLock(const BuildLock&) = delete;
  BuildLock& operator=(const BuildLock&) = delete;

  bool held() const { return held_; }

 private:
  /// The one who held it before has removed the file: then another may hold a new one.
  bool still_there() const {
    struct stat mine = {};
    struct stat there = {};
    return ::fstat(descriptor_, &mine) == 0 && ::stat(path_.c_str(), &there) == 0 &&
           mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
  }

  fs::path path_;
  int descriptor_ = -1;
  bool held_ = false;
};

/// What the names of the files end in that processes of this machine write to.
std::string partial_suffix() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("@{}.partial", host.data());
}

/// Every process writes to a file of its own: a lock taken on one machine is not always seen on
/// another with the same folder, and two writers in one file would spoil it.
fs::path own_partial(const fs::path& path) {
  return fmt::format("{}.{}{}", path.string(), ::getpid(), partial_suffix());
}

/// What processes of this machine that were killed have left. Call with the lock held.
void remove_leftovers(const fs::path& path) {
  const std::string start = path.filename().string() + ".";
  const std::string end = partial_suffix();
  std::error_code error;
  for (fs::directory_iterator entry(path.parent_path(), error), last; !error && entry != last;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name.starts_with(start) && name.ends_with(end)) fs::remove(entry->path(), ignored);
  }
}

/// The cache in the file, or nullptr if it must be made.
std::shared_ptr<const ImageCache> open_file(const fs::path& path, const std::string& key,
                                            EventSink& sink) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return nullptr;
  try {
    auto cache = std::make_shared<const ImageCache>(map_file(path), key);
    if (!cache->info().complete) {
      sink.message("Some files could not be read last time: reading them all again.");
      return nullptr;
    }
    if (cache->payload_is_whole()) return cache;
    throw Error(ExitCode::kData, "the checksum of its pictures differs");
  } catch (const Error& error) {
    sink.message(fmt::format("{}: {}; it is made anew", printable(path.string()), error.what()));
  }
  return nullptr;
}

std::shared_ptr<const ImageCache> build_in_memory(const std::string& key,
                                                  const std::function<void(CacheWriter&)>& build) {
  std::ostringstream out;
  CacheWriter writer(out, key);
  build(writer);
  return std::make_shared<const ImageCache>(hold(std::move(out).str()), key);
}

}  // namespace

std::shared_ptr<const ImageCache> open_or_build(const CachePlace& place,
                                                const std::function<void(CacheWriter&)>& build,
                                                EventSink& sink) {
  if (place.folder.empty()) return build_in_memory(place.key, build);
  const fs::path path = place.folder / (place.key + ".images");
  if (!place.rebuild)
    if (auto cache = open_file(path, place.key, sink)) return cache;
  std::error_code error;
  fs::create_directories(place.folder, error);
  const BuildLock lock(path.string() + ".lock", sink);
  NullSink silence;  // what was wrong with it has been said
  if (!place.rebuild)
    if (auto cache = open_file(path, place.key, silence)) return cache;
  if (lock.held()) remove_leftovers(path);
  write_file_atomically(path, own_partial(path), [&](std::ostream& out) {
    CacheWriter writer(out, place.key);
    build(writer);
  });
  return std::make_shared<const ImageCache>(map_file(path), place.key);
}

}  // namespace simclr
