#pragma once

#include <filesystem>

namespace simclr {

/// What lies behind a path.
enum class SourceKind { kCifar, kStl10, kNpy, kFolder, kList, kArchive };

/// Told by names alone: a set's official file names at the top of a folder or archive or one folder
/// down, images.npy in a folder, .npy, .txt; any other folder holds pictures, any other file is an
/// archive of them. An archive is read as far as its first telling name.
/// @throws Error(kUsage) if there is no such path or it is a single picture, Error(kData) if an
///         archive is damaged or tells nothing
SourceKind source_kind(const std::filesystem::path& path);

}  // namespace simclr
