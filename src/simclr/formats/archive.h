#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace simclr {

/// Calls `visit(name, bytes)` for every regular file of a .tar or .tar.gz whose name `wanted`
/// accepts. Streamed: nothing is extracted to disk. A file longer than `max_bytes` is handed over
/// cut at max_bytes + 1.
/// @throws Error(kData) if the archive is damaged or cut short, naming the archive and the entry
void read_archive(
    const std::filesystem::path& path, std::size_t max_bytes,
    const std::function<bool(const std::string& name)>& wanted,
    const std::function<void(const std::string& name, std::vector<std::uint8_t> bytes)>& visit);

}  // namespace simclr
