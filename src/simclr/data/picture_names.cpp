#include "simclr/data/picture_names.h"

#include <fmt/format.h>

#include "simclr/core/text.h"
#include "simclr/formats/image.h"

namespace simclr {
namespace {

/// Nanoseconds since 1970, modulo 2^64.
std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
                                   static_cast<std::uint64_t>(time.tv_nsec));
}

}  // namespace

bool is_passed_over(std::string_view file_or_folder) {
  return file_or_folder.starts_with('.') || file_or_folder == "__MACOSX";
}

bool is_picture_name(std::string_view path) {
  if (!has_image_suffix(path)) return false;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (is_passed_over(path.substr(0, slash))) return false;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return true;
}

ImageFile picture_of(const std::string& name, const struct stat& status) {
  ImageFile file;
  file.name = name;
  file.size = static_cast<std::uint64_t>(status.st_size);
  file.modified = nanoseconds(status.st_mtim);
  file.changed = nanoseconds(status.st_ctim);
  return file;
}

Error no_pictures(const ImageFiles& found, const std::string& others) {
  std::string message = fmt::format("{}: no pictures", printable(found.source.string()));
  if (!others.empty()) message += fmt::format("; there are {}", others);
  if (!found.skipped.empty()) {
    message += fmt::format("; {} could not be looked at, the first: {}: {}",
                           with_commas(found.skipped.size()), found.skipped.front().name,
                           found.skipped.front().reason);
  }
  return Error(ExitCode::kData, message,
               "Pictures are files that end in .jpg .jpeg .png .webp .bmp .ppm .pgm .pbm or .pnm.");
}

}  // namespace simclr
