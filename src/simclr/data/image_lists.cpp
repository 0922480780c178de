#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/data/folder_labels.h"
#include "simclr/data/image_files.h"
#include "simclr/data/picture_names.h"
#include "simclr/formats/archive.h"

// The pictures that a list names, and those in an archive.
namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxListBytes = std::uintmax_t{1} << 30;
constexpr std::size_t kFilesPerEvent = 1000;

/// One line of a list.
struct Line {
  std::size_t number = 0;  ///< from 1
  std::string path;
  std::string label;  ///< "": none
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

std::string read_list(const fs::path& list) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(list, error);
  if (error || size > kMaxListBytes) {
    throw Error(ExitCode::kData,
                fmt::format("{}: {}", printable(list.string()),
                            error ? error.message() : "larger than a list of pictures can be"));
  }
  try {
    return read_file(list);
  } catch (const Error& failure) {
    throw Error(ExitCode::kData, failure.what(), failure.hint());
  }
}

std::vector<Line> read_lines(const fs::path& list) {
  const std::string bytes = read_list(list);
  std::string_view text = bytes;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<Line> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const std::size_t tab = line.find('\t');
    Line& parsed = lines.emplace_back();
    parsed.number = number;
    parsed.path = line.substr(0, tab);
    if (tab != std::string_view::npos) parsed.label = line.substr(tab + 1);
  }
  return lines;
}

/// What keeps a path from being a picture's, before it is opened; "" if nothing does.
std::string fault_of(const fs::path& path, struct stat& status) {
  if (path.native().find('\0') != std::string::npos) return "no file's name has a zero byte";
  if (::stat(path.c_str(), &status) != 0) return std::strerror(errno);
  return S_ISREG(status.st_mode) ? "" : "not a regular file";
}

/// A path without "." and doubled slashes, but with "..", before which links may lead elsewhere.
std::string plain(const fs::path& path) {
  fs::path result;
  for (const fs::path& part : path)
    if (part != ".") result /= part;
  return result.string();
}

/// The lines by the pictures that they name, each of which counts once.
class NamedPictures {
 public:
  /// @param labelled  the labels of the lines count
  NamedPictures(const fs::path& list, bool labelled) : list_(list), labelled_(labelled) {}

  /// Is the picture new? @throws Error(kData) if an earlier line gives it another label
  bool add(const Line& line) {
    const auto [first, is_new] = lines_.emplace(plain(line.path), &line);
    if (is_new) return true;
    const Line& before = *first->second;
    if (labelled_ && line.label != before.label) {
      throw Error(ExitCode::kData,
                  fmt::format("{}: lines {} and {} both name {}, with the labels \"{}\" and \"{}\"",
                              printable(list_.string()), before.number, line.number,
                              printable(line.path), printable(before.label), printable(line.label)),
                  "Remove one of the lines.");
    }
    if (repeated_++ == 0) first_ = fmt::format("line {}, as line {}", line.number, before.number);
    return false;
  }

  /// "" if none was named again.
  std::string note() const {
    if (repeated_ == 0) return "";
    return fmt::format("Lines that name a picture again, which is read once: {}, the first is {}.",
                       with_commas(repeated_), first_);
  }

 private:
  const fs::path& list_;
  bool labelled_;
  std::unordered_map<std::string, const Line*> lines_;
  std::uint64_t repeated_ = 0;
  std::string first_;
};

/// Of entries with one name the last stays. Sorts the files, which are in the archive's order.
void keep_last(ImageFiles& found) {
  std::vector<ImageFile>& files = found.files;
  std::stable_sort(files.begin(), files.end(),
                   [](const ImageFile& a, const ImageFile& b) { return a.name < b.name; });
  const auto equal = [](const ImageFile& a, const ImageFile& b) { return a.name == b.name; };
  const auto twin = std::adjacent_find(files.begin(), files.end(), equal);
  if (twin == files.end()) return;
  const std::string name = printable(twin->name);
  const auto kept = std::unique(files.rbegin(), files.rend(), equal).base();
  found.notes.push_back(fmt::format(
      "Pictures with a namesake further on, which is read instead: {}, the first is {}.",
      with_commas(static_cast<std::uint64_t>(kept - files.begin())), name));
  files.erase(files.begin(), kept);
}

/// Labels as the lines have them, for the files that stand in `lines` at `line_of`.
void label_by_line(const std::vector<Line>& lines, const std::vector<std::size_t>& line_of,
                   ImageFiles& found) {
  std::map<std::string, std::int32_t> classes;
  for (const Line& line : lines)
    if (!line.label.empty()) classes.emplace(line.label, 0);
  for (auto& [name, label] : classes) {
    label = static_cast<std::int32_t>(found.class_names.size());
    found.class_names.push_back(printable(name));
  }
  for (std::size_t i = 0; i < line_of.size(); ++i) {
    const std::string& label = lines[line_of[i]].label;
    if (label.empty()) {
      found.files[i].part = SourcePart::kUnlabelled;
    } else {
      found.files[i].label = classes.at(label);
    }
  }
}

}  // namespace

ImageFiles find_in_list(const fs::path& list, LabelSource labels) {
  ImageFiles found{.kind = PictureSource::kList, .source = list};
  const std::vector<Line> lines = read_lines(list);
  const bool labelled =
      labels == LabelSource::kAuto &&
      std::any_of(lines.begin(), lines.end(), [](const Line& line) { return !line.label.empty(); });
  NamedPictures named(list, labelled);
  std::vector<std::size_t> line_of;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    struct stat status = {};
    std::string fault = fault_of(list.parent_path() / lines[i].path, status);
    if (!fault.empty()) {
      found.skipped.push_back({printable(lines[i].path), std::move(fault)});
      continue;
    }
    if (!named.add(lines[i])) continue;
    found.files.push_back(picture_of(lines[i].path, status));
    found.files.back().position = line_of.size();
    line_of.push_back(i);
  }
  if (found.files.empty()) throw no_pictures(found, "");
  if (std::string note = named.note(); !note.empty()) found.notes.push_back(std::move(note));
  if (labelled) {
    label_by_line(lines, line_of, found);
  } else {
    label_by_folder(labels, found);
  }
  return found;
}

ImageFiles find_in_archive(const fs::path& archive, LabelSource labels, EventSink& sink) {
  ImageFiles found{.kind = PictureSource::kArchive, .source = archive};
  const auto note = [&](const ArchiveEntry& entry) {
    if (!is_picture_name(entry.name)) return false;
    ImageFile& file = found.files.emplace_back();
    file.name = entry.name;
    file.size = entry.size;
    file.position = found.files.size() - 1;
    if (found.files.size() % kFilesPerEvent == 0)
      sink.progress("listing files", static_cast<std::int64_t>(found.files.size()), 0, "");
    return false;
  };
  read_archive(archive, 0, note, [](const ArchiveEntry&, const std::vector<std::uint8_t>&) {});
  if (found.files.empty()) throw no_pictures(found, "");
  keep_last(found);
  label_by_folder(labels, found);
  return found;
}

}  // namespace simclr
