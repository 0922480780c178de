#include "simclr/data/open_pictures.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/sha256.h"
#include "simclr/core/text.h"
#include "simclr/data/decode_images.h"
#include "simclr/data/resize.h"
#include "simclr/formats/container.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kImagesPerEvent = 100;
constexpr std::int64_t kKeyVersion = 1;  // counts the ways in which pictures have become pixels

/// SHA-256 over a sequence of texts and numbers.
class Key {
 public:
  Key& add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    sha_.update(text.data(), text.size());
    return *this;
  }
  Key& add(std::int64_t number) {
    sha_.update(&number, sizeof(number));
    return *this;
  }
  std::string digest() { return sha_.hex_digest(); }

 private:
  Sha256 sha_;
};

/// What every cache depends on.
void add_settings(Key& key, std::string_view kind, const DataSettings& settings) {
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(settings.source, ignored);
  key.add(kind).add(kKeyVersion).add(whole.string()).add(name_of(settings.labels));
  key.add(settings.image_size).add(settings.stored_side).add(std::int64_t{settings.exif});
}

void add_file(Key& key, const fs::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return;
  key.add(std::int64_t{status.st_size});
  for (const timespec& time : {status.st_mtim, status.st_ctim})
    key.add(std::int64_t{time.tv_sec}).add(std::int64_t{time.tv_nsec});
}

void add_files(Key& key, const ImageFiles& images) {
  for (const std::string& name : images.class_names) key.add(name);
  for (const ImageFile& file : images.files) {
    key.add(file.name).add(static_cast<std::int64_t>(file.size));
    key.add(file.modified).add(file.changed);
    key.add(static_cast<std::int64_t>(file.part)).add(std::int64_t{file.label});
  }
}

int stored_side(const DataSettings& settings, int image_size) {
  return settings.stored_side > 0 ? static_cast<int>(settings.stored_side) : 2 * image_size;
}

ImageFiles find_pictures(SourceKind kind, const DataSettings& settings, EventSink& sink) {
  ImageFiles found =
      kind == SourceKind::kArchive ? find_in_archive(settings.source, settings.labels, sink)
      : kind == SourceKind::kList  ? find_in_list(settings.source, settings.labels)
                                   : find_in_folder(settings.source, settings.labels, sink);
  for (const std::string& note : found.notes) sink.message(note);
  return found;
}

void build(const ImageFiles& images, const DataSettings& settings, CacheWriter& writer,
           EventSink& sink) {
  const ImageOptions image{.exif_orientation = settings.exif};
  CacheInfo info;
  info.class_names = images.class_names;
  info.image_size = settings.image_size > 0 ? static_cast<int>(settings.image_size)
                                            : natural_image_size(images, image);
  const DecodeOptions options{
      .image = image,
      .stored_side = stored_side(settings, info.image_size),
      .strict = settings.strict,
      .threads = std::max(static_cast<int>(std::thread::hardware_concurrency()), 1)};
  decode_images(images, options, info, writer, sink);
  writer.finish(info);
}

void check_strict(const DataSettings& settings, const std::vector<SkippedFile>& skipped) {
  if (!settings.strict || skipped.empty()) return;
  throw Error(ExitCode::kData, fmt::format("{}: {}", skipped.front().name, skipped.front().reason),
              "Mend or remove it, or skip such files with data.strict = false.");
}

DataSource source_of(const std::shared_ptr<const ImageCache>& cache) {
  const auto part = [&](SourcePart which) {
    return std::make_shared<Subset>(cache, cache->indices_of(which));
  };
  DataSource source;
  source.train = part(SourcePart::kTrain);
  source.test = part(SourcePart::kTest);
  if (auto unlabelled = part(SourcePart::kUnlabelled); unlabelled->size() > 0)
    source.unlabelled = std::move(unlabelled);
  source.class_names = cache->info().class_names;
  source.image_size = cache->info().image_size;
  source.files = cache->info().files;
  source.skipped = cache->info().skipped;
  source.pictures = cache;
  return source;
}

/// The files of STL-10 in a folder, at its top or one folder down, in order; or the archive itself.
std::set<fs::path> stl10_files(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return {path};
  std::set<fs::path> files;
  for (const fs::path& file : list_files(path)) {
    const std::string name = file.filename().string();
    if (name.ends_with("_X.bin") || name.ends_with("_y.bin") || name == "class_names.txt")
      files.insert(path / file);
  }
  return files;
}

/// Writes STL-10's images into a cache, whatever order they come in.
class Stl10Writer {
 public:
  Stl10Writer(const DataSettings& settings, int image_size, CacheWriter& writer, EventSink& sink)
      : labelled_(settings.labels != LabelSource::kNone),
        stored_(shrunk_size({kStl10Side, kStl10Side}, stored_side(settings, image_size))),
        writer_(writer),
        sink_(sink) {}

  void add(Stl10Part part, std::int32_t label, std::span<const std::uint8_t> pixels,
           const Stl10Counts& counts) {
    DecodedImage image{{pixels.begin(), pixels.end()}, kStl10Side, kStl10Side};
    if (stored_.height < kStl10Side)
      image = resize_antialiased(pixels, {kStl10Side, kStl10Side}, stored_);
    const std::size_t first = part == Stl10Part::kTrain  ? 0
                              : part == Stl10Part::kTest ? counts.train
                                                         : counts.train + counts.test;
    const SourcePart as = part == Stl10Part::kTrain  ? SourcePart::kTrain
                          : part == Stl10Part::kTest ? SourcePart::kTest
                                                     : SourcePart::kUnlabelled;
    writer_.add(first + seen_[part]++, image, as, labelled_ ? label : -1);
    if (writer_.images() % kImagesPerEvent == 1) {
      sink_.progress("reading images", static_cast<std::int64_t>(writer_.images()),
                     static_cast<std::int64_t>(counts.train + counts.test + counts.unlabeled), "");
    }
  }

 private:
  bool labelled_;
  ImageSize stored_;
  CacheWriter& writer_;
  EventSink& sink_;
  std::map<Stl10Part, std::size_t> seen_;
};

}  // namespace

DataSource open_pictures(SourceKind kind, const DataSettings& settings, bool read_again,
                         EventSink& sink) {
  const bool archive = kind == SourceKind::kArchive;
  Key key;
  add_settings(key, archive ? "archive" : "files", settings);
  ImageFiles images;
  if (archive) {
    add_file(key, settings.source);
  } else {
    images = find_pictures(kind, settings, sink);
    check_strict(settings, images.skipped);
    add_files(key, images);
  }
  const CachePlace place{settings.cache, key.digest(), read_again};
  const auto make = [&](CacheWriter& writer) {
    if (archive) images = find_pictures(kind, settings, sink);
    build(images, settings, writer, sink);
  };
  DataSource source = source_of(open_or_build(place, make, sink));
  source.files += images.skipped.size();
  source.skipped.insert(source.skipped.begin(), images.skipped.begin(), images.skipped.end());
  check_strict(settings, source.skipped);
  return source;
}

DataSource open_stl10(const DataSettings& settings, bool read_again, EventSink& sink,
                      const Stl10Counts& counts) {
  Key key;
  add_settings(key, "stl10", settings);
  for (const fs::path& file : stl10_files(settings.source)) add_file(key.add(file.string()), file);
  const auto make = [&](CacheWriter& writer) {
    CacheInfo info;
    info.image_size = settings.image_size > 0 ? static_cast<int>(settings.image_size) : kStl10Side;
    Stl10Writer images(settings, info.image_size, writer, sink);
    const auto add = [&](Stl10Part part, std::int32_t label, std::span<const std::uint8_t> pixels) {
      images.add(part, label, pixels, counts);
    };
    const Stl10Summary summary = read_stl10(settings.source, add, counts);
    if (settings.labels != LabelSource::kNone) info.class_names = summary.class_names;
    info.sizes = {{kStl10Side, kStl10Side},
                  {kStl10Side, kStl10Side},
                  {kStl10Side, kStl10Side},
                  writer.images(),
                  1};
    writer.finish(info);
  };
  return source_of(open_or_build({settings.cache, key.digest(), read_again}, make, sink));
}

}  // namespace simclr
