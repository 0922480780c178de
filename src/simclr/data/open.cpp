#include "simclr/data/open.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <system_error>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/data/cache_folder.h"
#include "simclr/data/known_sets.h"
#include "simclr/data/open_arrays.h"
#include "simclr/data/open_pictures.h"
#include "simclr/data/source_kind.h"
#include "simclr/data/splits.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

/// A published set, once `simclr data get` has put it into the cache folder.
std::string fetched_set(const KnownSet& set) {
  std::error_code ignored;
  const fs::path file = cache_folder() / set.file;
  if (fs::exists(file, ignored)) return file.string();
  throw Error(ExitCode::kData, fmt::format("{} has not been fetched", set.name),
              fmt::format("`simclr data get {}` fetches it. By hand: get {} and give it, or the "
                          "folder unpacked from it, with --data PATH.",
                          set.name, set.url));
}

/// The path that the source's name stands for. @throws Error(kUsage) if there is none
std::string path_of(const DataSettings& settings) {
  std::error_code ignored;
  if (fs::exists(settings.source, ignored)) return settings.source;
  if (const auto set = find_known_set(settings.source)) return fetched_set(*set);
  std::vector<std::string> names{"shapes10"};
  for (const KnownSet& set : known_sets()) names.emplace_back(set.name);
  throw Error(
      ExitCode::kUsage, fmt::format("{}: no such data source", printable(settings.source)),
      did_you_mean(lower_case(settings.source), names) +
          "Give shapes10 (built in), cifar10, cifar100 or stl10 (see `simclr data get`), or the "
          "path of a folder, an archive or a list of pictures, of a set or of an .npy array.");
}

DataSource open_path(const DataSettings& settings, bool read_again, EventSink& sink) {
  DataSettings at_path = settings;
  at_path.source = path_of(settings);
  switch (const SourceKind kind = source_kind(at_path.source)) {
    case SourceKind::kCifar:
      return open_cifar(at_path.source);
    case SourceKind::kStl10:
      return open_stl10(at_path, read_again, sink);
    case SourceKind::kNpy:
      return open_npy(at_path.source, settings.labels);
    default:
      return open_pictures(kind, at_path, read_again, sink);
  }
}

/// The images of another dataset, without their labels.
class Unlabelled final : public Dataset {
 public:
  explicit Unlabelled(std::shared_ptr<const Dataset> whole) : whole_(std::move(whole)) {}

  std::size_t size() const override { return whole_->size(); }
  Image get(std::size_t index) const override {
    Image image = whole_->get(index);
    image.label = -1;
    return image;
  }

 private:
  std::shared_ptr<const Dataset> whole_;
};

/// For the sets that always have labels: the others leave them out as they are read.
void drop_labels(DataSource& source) {
  source.train = std::make_shared<Unlabelled>(std::move(source.train));
  source.test = std::make_shared<Unlabelled>(std::move(source.test));
  source.class_names.clear();
}

std::vector<std::size_t> all_of(const Dataset& dataset) {
  std::vector<std::size_t> indices(dataset.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return indices;
}

/// A part of `whole`. Of a part it is a part of that one's whole, so that indices always count
/// images as the source has them.
std::shared_ptr<const Subset> part_of(const std::shared_ptr<const Dataset>& whole,
                                      std::vector<std::size_t> indices) {
  const auto part = std::dynamic_pointer_cast<const Subset>(whole);
  if (!part) return std::make_shared<Subset>(whole, std::move(indices));
  for (std::size_t& index : indices) index = part->indices()[index];
  return std::make_shared<Subset>(part->whole(), std::move(indices));
}

void set_test_aside(DataSource& source, const DataSettings& settings) {
  TrainValidation parts =
      stratified_split(*source.train, all_of(*source.train), settings.test_percent,
                       settings.split_seed, Purpose::kTestSplit);
  source.test = part_of(source.train, std::move(parts.validation));
  source.train = part_of(source.train, std::move(parts.train));
}

void require_images(const Dataset& dataset, std::string_view part) {
  if (dataset.size() > 0) return;
  throw Error(ExitCode::kUsage, fmt::format("these settings leave no {} images", part),
              "Raise data.train_percent or data.subset_classes, choose data.validation_percent "
              "so that every class keeps an image on both sides, or give more images.");
}

void keep_first_classes(DataSource& source, const DataSettings& settings) {
  const std::int64_t classes = settings.subset_classes;
  if (classes == 0) return;
  if (classes > static_cast<std::int64_t>(source.class_names.size())) {
    throw Error(
        ExitCode::kUsage,
        fmt::format("data.subset_classes is {}, but {} has {}", classes, printable(settings.source),
                    source.class_names.empty()
                        ? "no labels"
                        : fmt::format("{} classes", source.class_names.size())),
        "Give a smaller number, or 0 to keep all.");
  }
  source.class_names.resize(static_cast<std::size_t>(classes));
}

}  // namespace

DataSource open_source(const DataSettings& settings, EventSink& sink, bool read_again) {
  DataSource source = settings.source == "shapes10" ? open_shapes10(settings.shapes_images)
                                                    : open_path(settings, read_again, sink);
  if (settings.labels == LabelSource::kNone && !source.class_names.empty()) drop_labels(source);
  if (settings.image_size > 0) source.image_size = static_cast<int>(settings.image_size);
  if (!source.class_names.empty() && source.test->size() == 0) set_test_aside(source, settings);
  return source;
}

DataSource open_source(const DataSettings& settings) {
  NullSink silence;
  return open_source(settings, silence);
}

DataSplits open_data(const DataSettings& settings, EventSink& sink) {
  DataSource source = open_source(settings, sink);
  keep_first_classes(source, settings);
  const std::int64_t classes = settings.subset_classes;
  const std::vector<std::size_t> all = first_classes(*source.train, classes);
  std::vector<std::size_t> used =
      stratified_subset(*source.train, all, settings.train_percent, settings.split_seed);
  if (settings.train_rest) {  // both ascending
    std::vector<std::size_t> rest;
    std::set_difference(all.begin(), all.end(), used.begin(), used.end(), std::back_inserter(rest));
    used = std::move(rest);
  }
  TrainValidation parts =
      stratified_split(*source.train, used, settings.validation_percent, settings.split_seed);
  DataSplits data;
  data.train = part_of(source.train, std::move(parts.train));
  data.validation = part_of(source.train, std::move(parts.validation));
  data.test =
      part_of(source.test, source.class_names.empty() ? std::vector<std::size_t>{}
                                                      : first_classes(*source.test, classes));
  require_images(*data.train, "training");
  require_images(*data.validation, "validation");
  data.class_names = std::move(source.class_names);
  data.image_size = source.image_size;
  data.pretrain = data.train;
  if (source.unlabelled)
    data.pretrain = std::make_shared<Concat>(
        std::vector<std::shared_ptr<const Dataset>>{data.train, source.unlabelled});
  data.files = source.files;
  data.skipped = std::move(source.skipped);
  return data;
}

DataSplits open_data(const DataSettings& settings) {
  NullSink silence;
  return open_data(settings, silence);
}

void require_labels(const DataSplits& data, std::string_view who) {
  if (data.class_names.empty()) {
    throw Error(ExitCode::kUsage, fmt::format("{} needs labels, and these images have none", who),
                "Put the images of each class into a folder of its own (DIR/cat/1.jpg), or give a "
                "list whose lines have a tab and a label behind the path. Contrastive pretraining "
                "and previews need no labels.");
  }
  if (data.test->size() > 0) return;
  throw Error(ExitCode::kUsage, fmt::format("{} needs test images, and there are none", who),
              "Raise data.test_percent, or give more images.");
}

}  // namespace simclr
