#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>
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
  std::string path;
  std::string label;  ///< "": none
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

std::vector<Line> read_lines(const fs::path& list) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(list, error);
  if (error || size > kMaxListBytes) {
    throw Error(ExitCode::kData,
                fmt::format("{}: {}", printable(list.string()),
                            error ? error.message() : "larger than a list of pictures can be"));
  }
  const std::string bytes = read_file(list);
  std::string_view text = bytes;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<Line> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const std::size_t tab = line.find('\t');
    Line& parsed = lines.emplace_back();
    parsed.path = line.substr(0, tab);
    if (tab != std::string_view::npos) parsed.label = line.substr(tab + 1);
  }
  return lines;
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
  std::vector<std::size_t> line_of;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    struct stat status = {};
    if (::stat((list.parent_path() / lines[i].path).c_str(), &status) != 0) {
      found.skipped.push_back({printable(lines[i].path), std::strerror(errno)});
      continue;
    }
    found.files.push_back(picture_of(lines[i].path, status));
    found.files.back().position = line_of.size();
    line_of.push_back(i);
  }
  if (found.files.empty()) throw no_pictures(found, "");
  const bool labelled =
      std::any_of(lines.begin(), lines.end(), [](const Line& line) { return !line.label.empty(); });
  if (labels == LabelSource::kAuto && labelled) {
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
  std::stable_sort(found.files.begin(), found.files.end(),
                   [](const ImageFile& a, const ImageFile& b) { return a.name < b.name; });
  label_by_folder(labels, found);
  return found;
}

}  // namespace simclr
