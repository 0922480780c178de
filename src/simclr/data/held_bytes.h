#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace simclr {

/// Bytes that stay where they are as long as `owner` lives.
struct HeldBytes {
  std::span<const std::uint8_t> bytes;
  std::shared_ptr<const void> owner;
};

/// A whole file, mapped read-only: it is read where it is looked at, and shared by all processes
/// that map it. The file may be replaced or removed meanwhile, but not cut.
/// @throws Error(kFailed) if it cannot be mapped
HeldBytes map_file(const std::filesystem::path& path);

HeldBytes hold(std::string bytes);

}  // namespace simclr
