#pragma once

#include <filesystem>
#include <vector>

#include "simclr/formats/archive.h"

namespace simclr {

/// Names of the files in a folder and in the folders just below it, sorted; what may not be read
/// is left out.
std::vector<std::filesystem::path> list_files(const std::filesystem::path& folder);

/// stream_archive(), but for a folder too: its files by list_files(), their names relative to it.
/// @throws Error(kData) if a file cannot be read, naming it
void stream_files(const std::filesystem::path& path, const ArchiveVisitor& visit);

}  // namespace simclr
