#include "simclr/data/open.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/data/shapes10.h"
#include "simclr/data/splits.h"
#include "simclr/formats/cifar.h"

namespace simclr {
namespace {

// One world for everybody, whatever the run's seeds; no training set reaches the test images.
constexpr std::uint64_t kShapesSeed = 0;
constexpr std::uint32_t kFirstTrainShape = 0;
constexpr std::uint32_t kFirstTestShape = 1U << 31;

DataSource open_shapes10(std::int64_t images) {
  const auto count = static_cast<std::size_t>(images);
  return {make_shapes10(kShapesSeed, kFirstTrainShape, count),
          make_shapes10(kShapesSeed, kFirstTestShape, count / 2), shapes10_class_names(),
          kShapesSide};
}

DataSource open_cifar(const std::filesystem::path& path) {
  CifarFiles files = read_cifar(path);
  const auto images = [](CifarPart& part) {
    return std::make_shared<ImageArray>(std::move(part.pixels), std::move(part.labels), kCifarSide,
                                        kCifarSide);
  };
  return {images(files.train), images(files.test), std::move(files.class_names), kCifarSide};
}

std::shared_ptr<const Subset> non_empty(std::shared_ptr<const Dataset> whole,
                                        std::vector<std::size_t> indices, std::string_view part) {
  if (indices.empty()) {
    throw Error(ExitCode::kUsage, fmt::format("these settings leave no {} images", part),
                "Raise data.train_percent or data.subset_classes, choose data.validation_percent "
                "so that every class keeps an image on both sides, or give more images.");
  }
  return std::make_shared<Subset>(std::move(whole), std::move(indices));
}

}  // namespace

DataSource open_source(const DataSettings& settings) {
  if (settings.source == "shapes10") return open_shapes10(settings.shapes_images);
  std::error_code ignored;
  if (std::filesystem::exists(settings.source, ignored)) return open_cifar(settings.source);
  if (settings.source == "cifar10" || settings.source == "cifar100") {
    const std::string file = settings.source == "cifar10" ? "cifar-10-binary.tar.gz"  //
                                                          : "cifar-100-binary.tar.gz";
    throw Error(ExitCode::kData, fmt::format("{}: no such file or folder", settings.source),
                fmt::format("Get {} from https://www.cs.toronto.edu/~kriz/cifar.html and give it, "
                            "or the folder unpacked from it, with --data PATH.",
                            file));
  }
  throw Error(ExitCode::kUsage, fmt::format("{}: no such data source", settings.source),
              "Give shapes10 (built in), or the path of a CIFAR-10/100 binary folder or .tar.gz.");
}

DataSplits open_data(const DataSettings& settings) {
  DataSource source = open_source(settings);
  const std::int64_t classes = settings.subset_classes;
  if (classes > static_cast<std::int64_t>(source.class_names.size())) {
    throw Error(ExitCode::kUsage,
                fmt::format("data.subset_classes is {}, but {} has {} classes", classes,
                            settings.source, source.class_names.size()),
                "Give a smaller number, or 0 to keep all.");
  }
  if (classes > 0) source.class_names.resize(static_cast<std::size_t>(classes));
  const auto used = stratified_subset(*source.train, first_classes(*source.train, classes),
                                      settings.train_percent, settings.split_seed);
  TrainValidation parts =
      stratified_split(*source.train, used, settings.validation_percent, settings.split_seed);
  return {non_empty(source.train, std::move(parts.train), "training"),
          non_empty(source.train, std::move(parts.validation), "validation"),
          non_empty(source.test, first_classes(*source.test, classes), "test"),
          std::move(source.class_names), source.image_size};
}

}  // namespace simclr
