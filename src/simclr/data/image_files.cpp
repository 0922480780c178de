#include "simclr/data/image_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/data/folder_labels.h"
#include "simclr/data/picture_names.h"
#include "simclr/formats/archive.h"
#include "simclr/formats/image.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFilesPerEvent = 1000;

std::string too_large() { return fmt::format("larger than {} MiB", kMaxImageFileBytes >> 20); }

/// Walks a folder and what is below it, each folder once, names in order.
class FolderSearch {
 public:
  FolderSearch(ImageFiles& found, EventSink& sink) : found_(found), sink_(sink) {}

  void enter(const std::string& name) {
    const fs::path folder = name.empty() ? found_.source : found_.source / name;
    struct stat status = {};
    if (::stat(folder.c_str(), &status) != 0) return skip(name, std::strerror(errno));
    if (!entered_.emplace(status.st_dev, status.st_ino).second) {
      found_.notes.push_back(
          fmt::format("{} leads to a folder that was read already.", printable(name)));
      return;
    }
    for (const std::string& entry : entries_of(folder, name)) {
      if (!is_passed_over(entry)) look_at(name.empty() ? entry : name + "/" + entry);
    }
  }

  /// "12 .gif, 3 .txt": what lay there besides.
  std::string other_files() const {
    std::string text;
    for (const auto& [suffix, count] : others_) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_commas(count),
                          suffix.empty() ? "without a suffix" : printable(suffix));
    }
    return text;
  }

 private:
  void skip(const std::string& name, std::string_view reason) {
    found_.skipped.push_back({name.empty() ? "." : printable(name), std::string(reason)});
  }

  std::vector<std::string> entries_of(const fs::path& folder, const std::string& name) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error) skip(name, fmt::format("cannot read the folder: {}", error.message()));
    std::sort(names.begin(), names.end());
    return names;
  }

  void look_at(const std::string& name) {
    struct stat status = {};
    if (::stat((found_.source / name).c_str(), &status) != 0)
      return skip(name, std::strerror(errno));
    if (S_ISDIR(status.st_mode)) return enter(name);
    if (!has_image_suffix(name)) {
      ++others_[fs::path(name).extension().string()];
    } else if (!S_ISREG(status.st_mode)) {
      skip(name, "not a regular file");
    } else {
      found_.files.push_back(picture_of(name, status));
      if (found_.files.size() % kFilesPerEvent == 0)
        sink_.progress("listing files", static_cast<std::int64_t>(found_.files.size()), 0, "");
    }
  }

  ImageFiles& found_;
  EventSink& sink_;
  std::set<std::pair<dev_t, ino_t>> entered_;
  std::map<std::string, std::uint64_t> others_;
};

FileBytes failed(std::string reason) { return {{}, std::move(reason), false}; }

/// What may not be read stays so until somebody changes its permissions, and with them its time of
/// change: that is noticed. Other failures may pass unnoticed.
FileBytes failed_by_system() {
  const int code = errno;
  return {{}, std::strerror(code), code != EACCES && code != EPERM};
}

/// Reads what is there now, whatever was there when it was found.
FileBytes read_open_file(int descriptor) {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) return failed_by_system();
  if (!S_ISREG(status.st_mode)) return failed("not a regular file");
  if (static_cast<std::uint64_t>(status.st_size) > kMaxImageFileBytes) return failed(too_large());
  FileBytes file;
  file.bytes.resize(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < file.bytes.size()) {
    const ssize_t count = ::read(descriptor, file.bytes.data() + done, file.bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed_by_system();
    if (count == 0) return {{}, "it became shorter while it was read", true};
    done += static_cast<std::size_t>(count);
  }
  return file;
}

FileBytes read_picture(const fs::path& path) {
  // Not to be held up by a pipe that took the file's place.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return failed_by_system();
  FileBytes file = read_open_file(descriptor);
  ::close(descriptor);
  return file;
}

/// Thrown through read_archive when the visitor has had enough.
struct Enough {};

/// Reads an archive's pictures and holds them against the list of those that were found. What has
/// a namesake further on was not listed.
class ArchiveRead {
 public:
  using Visit = std::function<bool(std::size_t index, FileBytes file)>;

  ArchiveRead(const ImageFiles& images, const Visit& visit)
      : images_(images), visit_(visit), order_(images.files.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return images.files[a].position < images.files[b].position;
    });
  }

  void run() {
    try {
      read_archive(
          images_.source, kMaxImageFileBytes,
          [this](const ArchiveEntry& entry) { return wanted(entry); },
          [this](const ArchiveEntry&, std::vector<std::uint8_t> bytes) {
            hand_over({std::move(bytes), "", false});
          });
    } catch (const Enough&) {
      return;
    }
    if (next_ != order_.size()) changed();
  }

 private:
  bool wanted(const ArchiveEntry& entry) {
    if (!is_picture_name(entry.name)) return false;
    if (next_ == order_.size()) changed();
    const ImageFile& file = images_.files[order_[next_]];
    if (position_++ < file.position) {  // a namesake is to come
      if (!is_listed(entry.name)) changed();
      return false;
    }
    if (entry.name != file.name) changed();
    if (entry.size <= kMaxImageFileBytes) return true;
    hand_over(failed(too_large()));
    return false;
  }

  bool is_listed(const std::string& name) const {
    const auto before = [](const ImageFile& file, const std::string& text) {
      return file.name < text;
    };
    const auto found = std::lower_bound(images_.files.begin(), images_.files.end(), name, before);
    return found != images_.files.end() && found->name == name;
  }

  void hand_over(FileBytes file) {
    if (!visit_(order_[next_++], std::move(file))) throw Enough{};
  }

  [[noreturn]] void changed() const {
    throw Error(ExitCode::kData,
                fmt::format("{}: it changed while it was read", printable(images_.source.string())),
                "Start again once nothing writes to it any more.");
  }

  const ImageFiles& images_;
  const Visit& visit_;
  std::vector<std::size_t> order_;  ///< indices of the files, by position
  std::size_t next_ = 0;            ///< in order_
  std::size_t position_ = 0;        ///< of the next picture in the archive
};

}  // namespace

ImageFiles find_in_folder(const fs::path& folder, LabelSource labels, EventSink& sink) {
  ImageFiles found{.kind = PictureSource::kFolder, .source = folder};
  FolderSearch search(found, sink);
  search.enter("");
  const std::string others = search.other_files();
  if (found.files.empty()) throw no_pictures(found, others);
  if (!others.empty()) found.notes.push_back(fmt::format("Files of other kinds: {}.", others));
  std::sort(found.files.begin(), found.files.end(),
            [](const ImageFile& a, const ImageFile& b) { return a.name < b.name; });
  for (std::size_t i = 0; i < found.files.size(); ++i) found.files[i].position = i;
  label_by_folder(labels, found);
  return found;
}

void read_image_files(const ImageFiles& images,
                      const std::function<bool(std::size_t index, FileBytes file)>& visit) {
  if (images.kind == PictureSource::kArchive) return ArchiveRead(images, visit).run();
  const fs::path folder =
      images.kind == PictureSource::kFolder ? images.source : images.source.parent_path();
  for (std::size_t i = 0; i < images.files.size(); ++i) {
    if (!visit(i, read_picture(folder / images.files[i].name))) return;
  }
}

}  // namespace simclr
