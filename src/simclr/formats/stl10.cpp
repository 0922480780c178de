#include "simclr/formats/stl10.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/formats/container.h"

namespace simclr {
namespace {

constexpr std::size_t kSide = kStl10Side;
constexpr std::size_t kPlaneBytes = kSide * kSide;
constexpr std::size_t kImageBytes = 3 * kPlaneBytes;
constexpr std::size_t kClasses = 10;
constexpr std::size_t kMostNameBytes = 65536;

enum class Content { kPixels, kLabels, kNames };

/// One official file.
struct FileSpec {
  std::string_view name;
  Stl10Part part;
  Content content;
};
constexpr std::array<FileSpec, 6> kFiles{
    {{"train_X.bin", Stl10Part::kTrain, Content::kPixels},
     {"train_y.bin", Stl10Part::kTrain, Content::kLabels},
     {"test_X.bin", Stl10Part::kTest, Content::kPixels},
     {"test_y.bin", Stl10Part::kTest, Content::kLabels},
     {"unlabeled_X.bin", Stl10Part::kUnlabeled, Content::kPixels},
     {"class_names.txt", Stl10Part::kTrain, Content::kNames}}};

[[noreturn]] void fail(const std::filesystem::path& file, std::string_view what) {
  throw Error(ExitCode::kData, fmt::format("{}: {}", printable(file.string()), what),
              "Fetch stl10_binary.tar.gz (MD5 91f7769df0f17e558f3565bffb0c7dfb) again from "
              "https://cs.stanford.edu/~acoates/stl10/ and give it, or the folder unpacked from "
              "it, with --data PATH.");
}

/// From planes, column by column, to u8 [96, 96, 3].
void turn(const std::uint8_t* planes, std::uint8_t* pixels) {
  for (std::size_t row = 0; row < kSide; ++row) {
    for (std::size_t column = 0; column < kSide; ++column) {
      const std::size_t from = column * kSide + row;
      for (std::size_t c = 0; c < 3; ++c) *pixels++ = planes[c * kPlaneBytes + from];
    }
  }
}

/// Puts the set together from its files, in whatever order they come: a labelled part waits until
/// both of its files are there, the unlabelled part is visited as it is read.
class Collector {
 public:
  Collector(std::filesystem::path path, const Stl10Counts& counts, const Stl10Visitor& visit)
      : path_(std::move(path)), counts_(counts), visit_(visit), turned_(kImageBytes) {}

  void take(const ArchiveEntry& entry, const EntryReader& read) {
    const std::filesystem::path name(entry.name);
    const FileSpec* spec = spec_of(name);
    if (spec == nullptr || std::distance(name.begin(), name.end()) > 2) return;
    claim(*spec, name);
    const std::filesystem::path file = path_ / name;
    check_size(*spec, file, entry.size);
    if (spec->content == Content::kNames) {
      read_names(file, whole(file, static_cast<std::size_t>(entry.size), read));
    } else if (spec->part == Stl10Part::kUnlabeled) {
      visit_unlabelled(file, read);
    } else {
      Waiting& part = waiting_[spec->part];
      (spec->content == Content::kPixels ? part.planes : part.labels) =
          whole(file, static_cast<std::size_t>(entry.size), read);
      if (spec->content == Content::kLabels) check_labels(file, part.labels);
      if (!part.planes.empty() && !part.labels.empty()) visit_labelled(spec->part, part);
    }
  }

  Stl10Summary finish() {
    if (found_.empty()) {
      fail(path_, "no STL-10 files (train_X.bin, train_y.bin, test_X.bin, test_y.bin)");
    }
    for (const FileSpec& spec : kFiles) {
      const bool optional = spec.part == Stl10Part::kUnlabeled || spec.content == Content::kNames;
      if (optional || found_.contains(&spec)) continue;
      fail(path_ / folder_ / spec.name, fmt::format("missing, expected {} bytes", bytes_of(spec)));
    }
    if (names_.empty()) {
      names_ = {"airplane", "bird",  "car",    "cat",  "deer",
                "dog",      "horse", "monkey", "ship", "truck"};
    }
    const bool unlabeled = found_.contains(&kFiles[4]);
    return {{counts_.train, counts_.test, unlabeled ? counts_.unlabeled : 0}, std::move(names_)};
  }

 private:
  using Bytes = std::vector<std::uint8_t>;

  struct Waiting {
    Bytes planes;
    Bytes labels;
  };

  static const FileSpec* spec_of(const std::filesystem::path& name) {
    const auto* spec = std::find_if(kFiles.begin(), kFiles.end(), [&](const FileSpec& candidate) {
      return name.filename() == candidate.name;
    });
    return spec == kFiles.end() ? nullptr : spec;
  }

  std::size_t bytes_of(const FileSpec& spec) const {
    const std::size_t count = spec.part == Stl10Part::kTrain  ? counts_.train
                              : spec.part == Stl10Part::kTest ? counts_.test
                                                              : counts_.unlabeled;
    return spec.content == Content::kPixels ? count * kImageBytes : count;
  }

  /// A set's files are in one folder, each once.
  void claim(const FileSpec& spec, const std::filesystem::path& name) {
    if (found_.empty()) folder_ = name.parent_path();
    if (name.parent_path() == folder_ && found_.emplace(&spec, name).second) return;
    throw Error(
        ExitCode::kData,
        fmt::format("{}: more than one set of STL-10 files: {} and {}", printable(path_.string()),
                    printable(found_.begin()->second.string()), printable(name.string())),
        "Give the folder that holds one set alone with --data PATH.");
  }

  void check_size(const FileSpec& spec, const std::filesystem::path& file,
                  std::uint64_t size) const {
    if (spec.content == Content::kNames) {
      if (size <= kMostNameBytes) return;
      fail(file, fmt::format("{} bytes, expected at most {}", size, kMostNameBytes));
    }
    if (size == bytes_of(spec)) return;
    fail(file, fmt::format("{} bytes, expected {}", size, bytes_of(spec)));
  }

  static Bytes whole(const std::filesystem::path& file, std::size_t size, const EntryReader& read) {
    Bytes bytes(size);
    read_all(file, read, bytes);
    return bytes;
  }

  static void read_all(const std::filesystem::path& file, const EntryReader& read, Bytes& bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const std::size_t size = read(&bytes[done], bytes.size() - done);
      if (size == 0) fail(file, "it ends before the size that it states");
      done += size;
    }
  }

  static void check_labels(const std::filesystem::path& file, const Bytes& labels) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] >= 1 && labels[i] <= kClasses) continue;
      fail(file, fmt::format("record {} has label {}, expected 1 to {}", i, labels[i], kClasses));
    }
  }

  void visit_unlabelled(const std::filesystem::path& file, const EntryReader& read) {
    Bytes planes(kImageBytes);
    for (std::size_t i = 0; i < counts_.unlabeled; ++i) {
      read_all(file, read, planes);
      turn(planes.data(), turned_.data());
      visit_(Stl10Part::kUnlabeled, -1, turned_);
    }
  }

  void visit_labelled(Stl10Part part, Waiting& waiting) {
    const Waiting files = std::exchange(waiting, {});
    for (std::size_t i = 0; i < files.labels.size(); ++i) {
      turn(&files.planes[i * kImageBytes], turned_.data());
      visit_(part, files.labels[i] - 1, turned_);
    }
  }

  void read_names(const std::filesystem::path& file, const Bytes& bytes) {
    std::istringstream words(std::string(bytes.begin(), bytes.end()));
    for (std::string word; words >> word;) names_.push_back(printable(word));
    if (names_.size() != kClasses) {
      fail(file, fmt::format("{} class names, expected {}", names_.size(), kClasses));
    }
  }

  std::filesystem::path path_;
  Stl10Counts counts_;
  const Stl10Visitor& visit_;
  Bytes turned_;                  // [96, 96, 3]
  std::filesystem::path folder_;  // of the files found, within path_
  std::map<const FileSpec*, std::filesystem::path> found_;
  std::map<Stl10Part, Waiting> waiting_;
  std::vector<std::string> names_;
};

}  // namespace

bool is_stl10(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return std::filesystem::exists(path / "train_X.bin", ignored) ||
           std::filesystem::exists(path / "stl10_binary" / "train_X.bin", ignored);
  }
  return path.filename().string().starts_with("stl10_binary.");
}

Stl10Summary read_stl10(const std::filesystem::path& path, const Stl10Visitor& visit,
                        const Stl10Counts& counts) {
  Collector collector(path, counts, visit);
  stream_files(path, [&](const ArchiveEntry& entry, const EntryReader& read) {
    collector.take(entry, read);
  });
  return collector.finish();
}

}  // namespace simclr
