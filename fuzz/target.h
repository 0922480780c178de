#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>

#include "simclr/core/error.h"

namespace simclr::fuzz {

using Bytes = std::span<const std::uint8_t>;

/// An Error is a good answer to bad input; any other exception ends the run as a crash does.
template <class Call>
void survives(Call call) {
  try {
    call();
  } catch (const Error&) {
  }
}

/// What must hold for every input.
inline void require(bool condition) {
  if (!condition) __builtin_trap();
}

/// Reads every byte, so that AddressSanitizer sees one that is not there.
inline void touch(const void* data, std::size_t size) {
  static volatile unsigned char sum = 0;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) sum = static_cast<unsigned char>(sum + bytes[i]);
}

/// A file in memory that has a path, for readers that want one.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("fuzz", 0)) {
    if (descriptor_ < 0) throw std::runtime_error("memfd_create");
    path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::filesystem::path& write(Bytes bytes) {
    const auto size = static_cast<ssize_t>(bytes.size());
    require(::ftruncate(descriptor_, 0) == 0);
    require(::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == size);
    return path_;
  }

 private:
  int descriptor_;
  std::filesystem::path path_;
};

}  // namespace simclr::fuzz
