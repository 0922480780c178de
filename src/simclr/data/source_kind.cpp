#include "simclr/data/source_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/data/picture_names.h"
#include "simclr/formats/archive.h"
#include "simclr/formats/image.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

struct OfficialName {
  std::string_view name;
  SourceKind kind;
};

// The files of the CIFAR sets, binary and pickled, and of STL-10.
constexpr std::array kOfficialNames{OfficialName{"data_batch_1.bin", SourceKind::kCifar},
                                    OfficialName{"data_batch_2.bin", SourceKind::kCifar},
                                    OfficialName{"data_batch_3.bin", SourceKind::kCifar},
                                    OfficialName{"data_batch_4.bin", SourceKind::kCifar},
                                    OfficialName{"data_batch_5.bin", SourceKind::kCifar},
                                    OfficialName{"test_batch.bin", SourceKind::kCifar},
                                    OfficialName{"train.bin", SourceKind::kCifar},
                                    OfficialName{"test.bin", SourceKind::kCifar},
                                    OfficialName{"data_batch_1", SourceKind::kCifar},
                                    OfficialName{"data_batch_2", SourceKind::kCifar},
                                    OfficialName{"data_batch_3", SourceKind::kCifar},
                                    OfficialName{"data_batch_4", SourceKind::kCifar},
                                    OfficialName{"data_batch_5", SourceKind::kCifar},
                                    OfficialName{"test_batch", SourceKind::kCifar},
                                    OfficialName{"batches.meta", SourceKind::kCifar},
                                    OfficialName{"meta", SourceKind::kCifar},
                                    OfficialName{"train_X.bin", SourceKind::kStl10},
                                    OfficialName{"test_X.bin", SourceKind::kStl10},
                                    OfficialName{"unlabeled_X.bin", SourceKind::kStl10},
                                    OfficialName{"train_y.bin", SourceKind::kStl10},
                                    OfficialName{"test_y.bin", SourceKind::kStl10}};

std::optional<SourceKind> official(std::string_view file) {
  for (const auto& [name, kind] : kOfficialNames)
    if (name == file) return kind;
  return std::nullopt;
}

std::optional<SourceKind> official_in(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& [name, kind] : kOfficialNames)
    if (fs::is_regular_file(folder / name, ignored)) return kind;
  return std::nullopt;
}

SourceKind kind_of_folder(const fs::path& folder) {
  std::error_code ignored;
  if (const auto kind = official_in(folder)) return *kind;
  if (fs::is_regular_file(folder / "images.npy", ignored)) return SourceKind::kNpy;
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    std::error_code no_status;
    if (!entry->is_directory(no_status)) continue;
    if (const auto kind = official_in(entry->path())) return *kind;
  }
  return SourceKind::kFolder;
}

/// Thrown through read_archive at the first telling name.
struct Told {
  SourceKind kind;
};

SourceKind kind_of_archive(const fs::path& path) {
  try {
    const auto look = [](const ArchiveEntry& entry) {
      const std::string_view name = entry.name;
      const bool near_the_top = std::count(name.begin(), name.end(), '/') <= 1;
      if (const auto kind = official(name.substr(name.rfind('/') + 1)); kind && near_the_top)
        throw Told{*kind};
      if (is_picture_name(name)) throw Told{SourceKind::kArchive};
      return false;
    };
    read_archive(path, 0, look, [](const ArchiveEntry&, const std::vector<std::uint8_t>&) {});
  } catch (const Told& told) {
    return told.kind;
  }
  throw Error(ExitCode::kData,
              fmt::format("{}: neither pictures nor a set in it", printable(path.string())),
              "Wanted: an archive of pictures (.jpg, .png, ...), of CIFAR-10/100 or of STL-10.");
}

}  // namespace

SourceKind source_kind(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return kind_of_folder(path);
  if (!fs::is_regular_file(path, ignored) || has_image_suffix(path)) {
    throw Error(
        ExitCode::kUsage,
        fmt::format("{}: {}", printable(path.string()),
                    has_image_suffix(path) ? "a single picture" : "neither a file nor a folder"),
        "Give a folder of pictures, an archive, or a .txt file that lists some.");
  }
  if (path.extension() == ".npy") return SourceKind::kNpy;
  if (path.extension() == ".txt") return SourceKind::kList;
  return kind_of_archive(path);
}

}  // namespace simclr
