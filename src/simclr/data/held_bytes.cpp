#include "simclr/data/held_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw Error(ExitCode::kFailed,
              fmt::format("{}: cannot read: {}", printable(path.string()), std::strerror(errno)));
}

}  // namespace

HeldBytes map_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(path);
  struct stat status = {};
  void* start = MAP_FAILED;
  if (::fstat(descriptor, &status) == 0 && status.st_size > 0) {
    start = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED,
                   descriptor, 0);
  }
  ::close(descriptor);
  if (status.st_size == 0) return {};
  if (start == MAP_FAILED) fail(path);
  const auto size = static_cast<std::size_t>(status.st_size);
  const std::shared_ptr<const void> owner(start, [size](void* mapped) { ::munmap(mapped, size); });
  return {{static_cast<const std::uint8_t*>(start), size}, owner};
}

HeldBytes hold(std::string bytes) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return {{reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner};
}

}  // namespace simclr
