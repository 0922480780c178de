#include "simclr/formats/cifar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/formats/archive.h"
#include "simclr/formats/cifar_layout.h"
#include "simclr/formats/container.h"

namespace simclr {
namespace {

using detail::CifarKind;
using detail::fail_cifar;

constexpr std::size_t kMostNameBytes = 65536;
constexpr std::array<const CifarKind*, 4> kKinds{&detail::kCifar10Binary, &detail::kCifar100Binary,
                                                 &detail::kCifar10Python, &detail::kCifar100Python};

/// One official file: where its records go, counted in records_per_file.
struct FileSpec {
  std::string_view name;
  const CifarKind* kind;
  bool test;
  std::size_t first;
  std::size_t count;
};
constexpr std::array<FileSpec, 16> kFiles{{{"data_batch_1.bin", kKinds[0], false, 0, 1},
                                           {"data_batch_2.bin", kKinds[0], false, 1, 1},
                                           {"data_batch_3.bin", kKinds[0], false, 2, 1},
                                           {"data_batch_4.bin", kKinds[0], false, 3, 1},
                                           {"data_batch_5.bin", kKinds[0], false, 4, 1},
                                           {"test_batch.bin", kKinds[0], true, 0, 1},
                                           {"train.bin", kKinds[1], false, 0, 5},
                                           {"test.bin", kKinds[1], true, 0, 1},
                                           {"data_batch_1", kKinds[2], false, 0, 1},
                                           {"data_batch_2", kKinds[2], false, 1, 1},
                                           {"data_batch_3", kKinds[2], false, 2, 1},
                                           {"data_batch_4", kKinds[2], false, 3, 1},
                                           {"data_batch_5", kKinds[2], false, 4, 1},
                                           {"test_batch", kKinds[2], true, 0, 1},
                                           {"train", kKinds[3], false, 0, 5},
                                           {"test", kKinds[3], true, 0, 1}}};

/// Puts a set together from its files, in whatever order they come.
class Collector {
 public:
  Collector(std::filesystem::path path, std::size_t records_per_file)
      : path_(std::move(path)), records_per_file_(records_per_file) {}

  static bool wants(const std::filesystem::path& name) {
    return std::distance(name.begin(), name.end()) <= 2 &&
           (names_kind_of(name) != nullptr || spec_of(name) != nullptr);
  }

  std::size_t most_bytes() const {
    std::size_t most = kMostNameBytes;
    for (const FileSpec& spec : kFiles) most = std::max(most, size_of(spec).most);
    return most;
  }

  /// Refuses what cannot be taken, before its bytes are read.
  void check(const std::filesystem::path& name, std::uint64_t size) {
    const FileSpec* spec = spec_of(name);
    if (spec == nullptr) {
      if (size > kMostNameBytes) {
        fail_cifar(fmt::format("{}: {} bytes, expected at most {}", (path_ / name).string(), size,
                               kMostNameBytes),
                   *names_kind_of(name));
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

  void take(const std::filesystem::path& name, std::vector<std::uint8_t> bytes) {
    if (const FileSpec* spec = spec_of(name)) {
      check_size(name, bytes.size(), *spec);
      decode(*spec, (path_ / name).string(), std::move(bytes));
    } else {
      names_[names_kind_of(name)] = {(path_ / name).string(), std::move(bytes)};
    }
  }

  CifarFiles finish() {
    if (found_.empty()) {
      throw Error(
          ExitCode::kData,
          fmt::format("{}: no CIFAR files (data_batch_1.bin .. data_batch_5.bin and "
                      "test_batch.bin, or train.bin and test.bin; the Python version's "
                      "have no .bin)",
                      path_.string()),
          fmt::format("Give {}, {}, their Python versions, or the folder unpacked from one.",
                      detail::kCifar10Binary.archive, detail::kCifar100Binary.archive));
    }
    const CifarKind& kind = *found_.front()->kind;
    for (const FileSpec& spec : kFiles) {
      if (spec.kind != &kind || is_found(spec)) continue;
      fail_cifar(fmt::format("{}: missing, expected {} bytes",
                             (path_ / folder_ / spec.name).string(), expected_bytes(spec)),
                 kind);
    }
    name_classes(kind);
    return std::move(files_);
  }

 private:
  /// The kind whose class names the file holds, or null.
  static const CifarKind* names_kind_of(const std::filesystem::path& name) {
    const auto* kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const CifarKind* candidate) {
      return name.filename() == candidate->names_file;
    });
    return kind == kKinds.end() ? nullptr : *kind;
  }

  static const FileSpec* spec_of(const std::filesystem::path& name) {
    const auto* spec = std::find_if(kFiles.begin(), kFiles.end(), [&](const FileSpec& candidate) {
      return name.filename() == candidate.name;
    });
    return spec == kFiles.end() ? nullptr : spec;
  }

  detail::CifarFileSize size_of(const FileSpec& spec) const {
    return detail::cifar_file_size(*spec.kind, spec.count * records_per_file_);
  }

  std::string expected_bytes(const FileSpec& spec) const {
    const auto [least, most] = size_of(spec);
    return least == most ? fmt::format("{}", most) : fmt::format("{} to {}", least, most);
  }

  void check_size(const std::filesystem::path& name, std::uint64_t size,
                  const FileSpec& spec) const {
    const auto [least, most] = size_of(spec);
    if (size >= least && size <= most) return;
    fail_cifar(fmt::format("{}: {} bytes, expected {}", (path_ / name).string(), size,
                           expected_bytes(spec)),
               *spec.kind);
  }

  bool is_found(const FileSpec& spec) const {
    return std::find(found_.begin(), found_.end(), &spec) != found_.end();
  }

  void decode(const FileSpec& spec, const std::string& file, std::vector<std::uint8_t> bytes) {
    const std::size_t count = spec.count * records_per_file_;
    std::vector<std::uint8_t> pixels;
    const detail::CifarRecords records =
        spec.kind->pickled
            ? detail::unpickle_cifar_records(*spec.kind, std::move(bytes), count, file, pixels)
            : detail::read_cifar_records(*spec.kind, bytes, count);
    const std::size_t files = spec.kind->classes == 10 && !spec.test ? 5 : spec.count;
    CifarPart& part = spec.test ? files_.test : files_.train;
    part.pixels.resize(files * records_per_file_ * detail::kCifarPixelBytes);
    part.labels.resize(files * records_per_file_);
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t label = records.labels[i];
      if (label < 0 || label >= static_cast<std::int64_t>(spec.kind->classes)) {
        fail_cifar(fmt::format("{}: record {} has label {}, expected 0 to {}", file, i, label,
                               spec.kind->classes - 1),
                   *spec.kind);
      }
      const std::size_t at = spec.first * records_per_file_ + i;
      part.labels[at] = static_cast<std::int32_t>(label);
      interleave(records.planes + i * records.stride, &part.pixels[at * detail::kCifarPixelBytes]);
    }
  }

  static void interleave(const std::uint8_t* planes, std::uint8_t* pixels) {
    for (std::size_t i = 0; i < detail::kCifarPlaneBytes; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        pixels[3 * i + c] = planes[c * detail::kCifarPlaneBytes + i];
      }
    }
  }

  void name_classes(const CifarKind& kind) {
    std::vector<std::string>& names = files_.class_names;
    if (const auto found = names_.find(&kind); found != names_.end()) {
      names = read_names(kind, found->second);
    } else if (kind.classes == 10) {
      names = {"plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
    } else {
      for (std::size_t i = 0; i < kind.classes; ++i) names.push_back(fmt::format("{}", i));
    }
  }

  struct NamesFile {
    std::string name;
    std::vector<std::uint8_t> bytes;
  };

  static std::vector<std::string> read_names(const CifarKind& kind, NamesFile& file) {
    std::vector<std::string> names =
        kind.pickled ? detail::unpickle_cifar_names(kind, std::move(file.bytes), file.name)
                     : detail::read_cifar_names(
                           {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()});
    if (names.size() != kind.classes) {
      fail_cifar(
          fmt::format("{}: {} class names, expected {}", file.name, names.size(), kind.classes),
          kind);
    }
    if (kind.classes == 10) {
      std::replace(names.begin(), names.end(), std::string("airplane"), std::string("plane"));
      std::replace(names.begin(), names.end(), std::string("automobile"), std::string("car"));
    }
    return names;
  }

  std::filesystem::path path_;
  std::size_t records_per_file_;
  std::filesystem::path folder_;  // of the files found, within path_
  std::vector<const FileSpec*> found_;
  std::map<const CifarKind*, NamesFile> names_;
  CifarFiles files_;
};

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
          collector.take(entry.name, std::move(bytes));
        });
    return collector.finish();
  }
  std::vector<std::pair<std::filesystem::path, std::size_t>> files;
  for (const auto& name : list_files(path)) {
    if (!Collector::wants(name)) continue;
    files.emplace_back(name, std::filesystem::file_size(path / name));
    collector.check(name, files.back().second);
  }
  for (const auto& [name, size] : files) collector.take(name, read_bytes(path / name, size));
  return collector.finish();
}

}  // namespace simclr
