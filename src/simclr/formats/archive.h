#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace simclr {

struct ArchiveEntry {
  std::string name;        ///< relative, without "./" and ".."
  std::uint64_t size = 0;  ///< bytes, as the archive states it
};

/// Calls `visit(entry, bytes)` for every regular file of a .tar or .tar.gz whose entry `wanted`
/// accepts. Streamed: nothing is extracted to disk. Links, devices and names that lead out of the
/// archive (absolute, "..") are passed over. A file longer than `max_bytes` is handed over cut at
/// max_bytes + 1.
/// @throws Error(kData) if the archive is damaged or cut short, naming the archive and the entry
void read_archive(
    const std::filesystem::path& path, std::size_t max_bytes,
    const std::function<bool(const ArchiveEntry& entry)>& wanted,
    const std::function<void(const ArchiveEntry& entry, std::vector<std::uint8_t> bytes)>& visit);

}  // namespace simclr
