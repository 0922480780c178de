#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"

namespace simclr {

/// What an image is for, where its source says so.
enum class SourcePart : std::uint8_t { kTrain, kTest, kUnlabelled };

/// A file that was left out, and why. Both texts may be shown as they are.
struct SkippedFile {
  std::string name;
  std::string reason;
};

/// One picture of a source, found but not yet read.
struct ImageFile {
  std::string name;                      ///< within the source, with '/'; any bytes
  std::uint64_t size = 0;                ///< bytes
  std::int64_t modified = 0;             ///< nanoseconds since 1970, modulo 2^64; 0 in an archive
  std::int64_t changed = 0;              ///< likewise, bytes or permissions: nobody can set it back
  SourcePart part = SourcePart::kTrain;  ///< all kTrain where the source does not say
  std::int32_t label = -1;               ///< index into class_names
  std::size_t position = 0;              ///< among the pictures, as the source is read
};

enum class PictureSource { kFolder, kList, kArchive };

/// The pictures of a source.
struct ImageFiles {
  PictureSource kind = PictureSource::kFolder;
  std::filesystem::path source;
  std::vector<ImageFile> files = {};          ///< sorted by name; those of a list as it has them
  std::vector<std::string> class_names = {};  ///< sorted; empty: unlabelled
  std::vector<SkippedFile> skipped = {};      ///< what could not even be looked at
  std::vector<std::string> notes = {};        ///< what people should know of the choices made
};

/// Every picture (by its suffix, see has_image_suffix) in a folder and the folders below it. Names
/// that begin with '.' and __MACOSX are passed over; links are followed, but no folder is entered
/// twice. What cannot be looked at is `skipped`.
/// @throws Error(kData) if the folder itself cannot be read or there is no picture in it
ImageFiles find_in_folder(const std::filesystem::path& folder, LabelSource labels, EventSink& sink);

/// The pictures that a text file names, one a line, relative to its folder. A tab and a label may
/// follow the path; then that is its class (lines without one are SourcePart::kUnlabelled),
/// otherwise folders are, as in find_in_folder. A path that comes again (a.jpg and ./a.jpg are one)
/// is read once, and noted.
/// @throws Error(kData) if it cannot be read, names none, or gives a picture two labels
ImageFiles find_in_list(const std::filesystem::path& list, LabelSource labels);

/// The pictures of an archive, found without unpacking it to disk. Of entries with one name the
/// last counts, as after unpacking, and that is noted. @throws Error(kData) if it is damaged or
/// there is no picture in it
ImageFiles find_in_archive(const std::filesystem::path& archive, LabelSource labels,
                           EventSink& sink);

/// A file's bytes, or why there are none.
struct FileBytes {
  std::vector<std::uint8_t> bytes;
  std::string failure;
  bool may_pass = false;  ///< the failure: another time the file may be readable
};

/// Reads the pictures one after the other, in the order of `position`, and hands each over with its
/// index in `files`; stops after the first that `visit` answers with false.
/// @throws Error(kData) if an archive is damaged, or not the one that was searched
void read_image_files(const ImageFiles& images,
                      const std::function<bool(std::size_t index, FileBytes file)>& visit);

/// Files larger than this are not read.
inline constexpr std::size_t kMaxImageFileBytes = std::size_t{512} << 20;

}  // namespace simclr
