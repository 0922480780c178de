#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace simclr {

/// The whole file as bytes. @throws Error(kFailed) naming the file if it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// Writes beside `path` and renames: a reader sees the old file or the new one, never a part,
/// whatever happens. `write` gets a binary stream. @throws Error(kFailed) with the system's reason;
/// the old file then still stands.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(std::ostream&)>& write);
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// The same, written to `beside` first, in the same folder. Processes that may write one file at
/// the same time give each another name; the last one's stays.
void write_file_atomically(const std::filesystem::path& path, const std::filesystem::path& beside,
                           const std::function<void(std::ostream&)>& write);

/// Appends one line (a newline is added) in a single write. @throws Error(kFailed)
void append_line(const std::filesystem::path& path, std::string_view line);

}  // namespace simclr
