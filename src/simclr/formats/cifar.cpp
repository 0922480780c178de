#include "simclr/formats/cifar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/formats/archive.h"

namespace simclr {
namespace {

constexpr std::size_t kPlaneBytes = std::size_t{kCifarSide} * kCifarSide;
constexpr std::size_t kPixelBytes = 3 * kPlaneBytes;
constexpr std::size_t kMostNameBytes = 65536;
constexpr std::string_view kNamesFile = "fine_label_names.txt";

/// One kind of CIFAR. The label that counts is the last before the pixels.
struct Kind {
  std::size_t classes;
  std::size_t label_bytes;
  std::string_view archive;
  std::string_view md5;
};
constexpr Kind kCifar10{10, 1, "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"};
constexpr Kind kCifar100{100, 2, "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"};

/// One official file: where its records go, counted in records_per_file.
struct FileSpec {
  std::string_view name;
  const Kind* kind;
  bool test;
  std::size_t first;
  std::size_t count;
};
constexpr std::array<FileSpec, 8> kFiles{{{"data_batch_1.bin", &kCifar10, false, 0, 1},
                                          {"data_batch_2.bin", &kCifar10, false, 1, 1},
                                          {"data_batch_3.bin", &kCifar10, false, 2, 1},
                                          {"data_batch_4.bin", &kCifar10, false, 3, 1},
                                          {"data_batch_5.bin", &kCifar10, false, 4, 1},
                                          {"test_batch.bin", &kCifar10, true, 0, 1},
                                          {"train.bin", &kCifar100, false, 0, 5},
                                          {"test.bin", &kCifar100, true, 0, 1}}};

[[noreturn]] void fail(const std::string& message, const Kind& kind) {
  throw Error(
      ExitCode::kData, message,
      fmt::format("Fetch {} (MD5 {}) again from https://www.cs.toronto.edu/~kriz/cifar.html "
                  "and give it, or the folder unpacked from it, with --data PATH.",
                  kind.archive, kind.md5));
}

/// Puts a set together from its files, in whatever order they come.
class Collector {
 public:
  Collector(std::filesystem::path path, std::size_t records_per_file)
      : path_(std::move(path)), records_per_file_(records_per_file) {}

  static bool wants(const std::filesystem::path& name) {
    return std::distance(name.begin(), name.end()) <= 2 &&
           (name.filename() == kNamesFile || spec_of(name) != nullptr);
  }

  std::size_t most_bytes() const { return std::max(bytes_of(kFiles[6]), kMostNameBytes); }

  /// Refuses what cannot be taken, before its bytes are read.
  void check(const std::filesystem::path& name, std::uint64_t size) {
    const FileSpec* spec = spec_of(name);
    if (spec == nullptr) {
      if (size > kMostNameBytes) {
        fail(fmt::format("{}: {} bytes, expected at most {}", (path_ / name).string(), size,
                         kMostNameBytes),
             kCifar100);
      }
      return;
    }
    const FileSpec* first = found_.empty() ? spec : found_.front();
    if (found_.empty()) folder_ = name.parent_path();
    if (name.parent_path() != folder_ || spec->kind != first->kind || is_found(*spec)) {
      throw Error(ExitCode::kData,
                  fmt::format("{}: more than one set of CIFAR files: {} and {}", path_.string(),
                              (folder_ / first->name).string(), name.string()),
                  "Give the folder that holds one set alone with --data PATH.");
    }
    check_size(name, size, *spec);
    found_.push_back(spec);
  }

  void take(const std::filesystem::path& name, std::span<const std::uint8_t> bytes) {
    if (const FileSpec* spec = spec_of(name)) {
      check_size(name, bytes.size(), *spec);
      decode(*spec, path_ / name, bytes);
    } else {
      read_names(path_ / name, std::string(bytes.begin(), bytes.end()));
    }
  }

  CifarFiles finish() {
    if (found_.empty()) {
      throw Error(ExitCode::kData,
                  fmt::format("{}: no CIFAR files (data_batch_1.bin .. data_batch_5.bin and "
                              "test_batch.bin, or train.bin and test.bin)",
                              path_.string()),
                  fmt::format("Give the binary version, {} or {}, or the folder unpacked from it; "
                              "the Python version is laid out differently.",
                              kCifar10.archive, kCifar100.archive));
    }
    const Kind& kind = *found_.front()->kind;
    for (const FileSpec& spec : kFiles) {
      if (spec.kind != &kind || is_found(spec)) continue;
      fail(fmt::format("{}: missing, expected {} bytes", (path_ / folder_ / spec.name).string(),
                       bytes_of(spec)),
           kind);
    }
    name_classes(kind);
    return std::move(files_);
  }

 private:
  static const FileSpec* spec_of(const std::filesystem::path& name) {
    const auto* spec = std::find_if(kFiles.begin(), kFiles.end(), [&](const FileSpec& candidate) {
      return name.filename() == candidate.name;
    });
    return spec == kFiles.end() ? nullptr : spec;
  }

  std::size_t bytes_of(const FileSpec& spec) const {
    return spec.count * records_per_file_ * (spec.kind->label_bytes + kPixelBytes);
  }

  void check_size(const std::filesystem::path& name, std::uint64_t size,
                  const FileSpec& spec) const {
    if (size == bytes_of(spec)) return;
    fail(fmt::format("{}: {} bytes, expected {}", (path_ / name).string(), size, bytes_of(spec)),
         *spec.kind);
  }

  bool is_found(const FileSpec& spec) const {
    return std::find(found_.begin(), found_.end(), &spec) != found_.end();
  }

  void decode(const FileSpec& spec, const std::filesystem::path& file,
              std::span<const std::uint8_t> bytes) {
    const std::size_t files = spec.kind == &kCifar10 && !spec.test ? 5 : spec.count;
    CifarPart& part = spec.test ? files_.test : files_.train;
    part.pixels.resize(files * records_per_file_ * kPixelBytes);
    part.labels.resize(files * records_per_file_);
    const std::size_t record_bytes = spec.kind->label_bytes + kPixelBytes;
    for (std::size_t i = 0; i < spec.count * records_per_file_; ++i) {
      const std::uint8_t* record = &bytes[i * record_bytes];
      const std::size_t label = record[spec.kind->label_bytes - 1];
      if (label >= spec.kind->classes) {
        fail(fmt::format("{}: record {} has label {}, expected 0 to {}", file.string(), i, label,
                         spec.kind->classes - 1),
             *spec.kind);
      }
      const std::size_t at = spec.first * records_per_file_ + i;
      part.labels[at] = static_cast<std::int32_t>(label);
      interleave(record + spec.kind->label_bytes, &part.pixels[at * kPixelBytes]);
    }
  }

  static void interleave(const std::uint8_t* planes, std::uint8_t* pixels) {
    for (std::size_t i = 0; i < kPlaneBytes; ++i) {
      for (std::size_t c = 0; c < 3; ++c) pixels[3 * i + c] = planes[c * kPlaneBytes + i];
    }
  }

  void read_names(const std::filesystem::path& file, const std::string& text) {
    std::istringstream lines(text);
    std::vector<std::string> names;
    for (std::string line; std::getline(lines, line);) {
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
      if (!line.empty()) names.push_back(line);
    }
    if (names.size() != kCifar100.classes) {
      fail(fmt::format("{}: {} class names, expected {}", file.string(), names.size(),
                       kCifar100.classes),
           kCifar100);
    }
    files_.class_names = std::move(names);
  }

  void name_classes(const Kind& kind) {
    if (&kind == &kCifar10) {
      files_.class_names = {"plane", "car",  "bird",  "cat",  "deer",
                            "dog",   "frog", "horse", "ship", "truck"};
    } else if (files_.class_names.empty()) {
      for (std::size_t i = 0; i < kind.classes; ++i) {
        files_.class_names.push_back(fmt::format("{}", i));
      }
    }
  }

  std::filesystem::path path_;
  std::size_t records_per_file_;
  std::filesystem::path folder_;  // of the files found, within path_
  std::vector<const FileSpec*> found_;
  CifarFiles files_;
};

/// Names of the files in a folder and in the folders just below it, in a fixed order.
std::vector<std::filesystem::path> list_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> names;
  const auto unreadable = fs::directory_options::skip_permission_denied;
  for (const auto& entry : fs::directory_iterator(folder, unreadable)) {
    if (entry.is_regular_file()) names.push_back(entry.path().filename());
    if (!entry.is_directory()) continue;
    for (const auto& inner : fs::directory_iterator(entry.path(), unreadable)) {
      if (inner.is_regular_file()) names.push_back(fs::relative(inner.path(), folder));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!in) {
    throw Error(ExitCode::kData,
                fmt::format("{}: cannot read: {} bytes of {}", file.string(), in.gcount(), size),
                "Check that you may read the file and that its disk is sound.");
  }
  return bytes;
}

}  // namespace

CifarFiles read_cifar(const std::filesystem::path& path, std::size_t records_per_file) {
  Collector collector(path, records_per_file);
  if (!std::filesystem::is_directory(path)) {
    read_archive(
        path, collector.most_bytes(),
        [&](const ArchiveEntry& entry) {
          if (!Collector::wants(entry.name)) return false;
          collector.check(entry.name, entry.size);
          return true;
        },
        [&](const ArchiveEntry& entry, std::vector<std::uint8_t> bytes) {
          collector.take(entry.name, bytes);
        });
    return collector.finish();
  }
  std::vector<std::pair<std::filesystem::path, std::size_t>> files;
  for (const auto& name : list_folder(path)) {
    if (!Collector::wants(name)) continue;
    files.emplace_back(name, std::filesystem::file_size(path / name));
    collector.check(name, files.back().second);
  }
  for (const auto& [name, size] : files) collector.take(name, read_bytes(path / name, size));
  return collector.finish();
}

}  // namespace simclr
