#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace simclr {

struct ArchiveEntry {
  std::string name;        ///< relative, without "./" and ".."; not always UTF-8
  std::uint64_t size = 0;  ///< bytes, as the archive states it
};

/// Reads the next bytes of an entry: at most `bytes`; how many came, 0 at the end.
using EntryReader = std::function<std::size_t(std::uint8_t* to, std::size_t bytes)>;
using ArchiveVisitor = std::function<void(const ArchiveEntry& entry, const EntryReader& read)>;

/// Calls `visit(entry, read)` for every regular file of a .zip, or of a .tar, plain or packed (gz,
/// bz2, xz, zst); the kind is told by the content. What the visitor does not read is passed over.
/// Streamed: nothing is extracted to disk. Links, devices and names that lead out of the archive
/// (absolute, "..") are passed over too. Names come as the archive has them, bytes of any kind:
/// make them printable() before they are shown.
/// @throws Error(kData) if the archive is damaged or cut short, naming the archive and the entry
void stream_archive(const std::filesystem::path& path, const ArchiveVisitor& visit);

/// The same, with the whole bytes of every file that `wanted` accepts. A file longer than
/// `max_bytes` is handed over cut at max_bytes + 1.
void read_archive(
    const std::filesystem::path& path, std::size_t max_bytes,
    const std::function<bool(const ArchiveEntry& entry)>& wanted,
    const std::function<void(const ArchiveEntry& entry, std::vector<std::uint8_t> bytes)>& visit);

}  // namespace simclr
