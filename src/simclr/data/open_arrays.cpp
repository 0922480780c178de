#include "simclr/data/open_arrays.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/data/decode_images.h"
#include "simclr/data/shapes10.h"
#include "simclr/formats/cifar.h"
#include "simclr/formats/npy.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

// One world for everybody, whatever the run's seeds; no training set reaches the test images.
constexpr std::uint64_t kShapesSeed = 0;
constexpr std::uint32_t kFirstTrainShape = 0;
constexpr std::uint32_t kFirstTestShape = 1U << 31;

constexpr std::int64_t kMostClasses = 1'000'000;
constexpr std::size_t kMostPixels = 100'000'000;  // of one image
constexpr std::size_t kMostPixelsASide = 65'000;

std::shared_ptr<const Dataset> no_images() {
  return std::make_shared<ImageArray>(std::vector<std::uint8_t>{}, std::vector<std::int32_t>{}, 1,
                                      1);
}

[[noreturn]] void reject(const fs::path& path, const std::string& reason, const std::string& hint) {
  throw Error(ExitCode::kData, fmt::format("{}: {}", printable(path.string()), reason), hint);
}

/// Pixels u8 [n, h, w, 3] and their sides.
struct Pictures {
  std::vector<std::uint8_t> pixels;
  std::size_t count = 0;
  ImageSize size;
};

Pictures read_pictures(const fs::path& path) {
  NpyArray array = read_npy(path);
  const std::vector<std::size_t>& shape = array.shape;
  const bool grey = shape.size() == 3;
  const bool colour = shape.size() == 4 && shape[3] == 3;
  if (array.dtype != "u1" || (!grey && !colour)) {
    reject(path, fmt::format("an array of {} [{}]", array.dtype, fmt::join(shape, ", ")),
           "Wanted: bytes (uint8) of shape [images, height, width, 3], or [images, height, width] "
           "for grey ones.");
  }
  const bool sides = shape[1] > 0 && shape[2] > 0 && shape[1] <= kMostPixelsASide &&
                     shape[2] <= kMostPixelsASide && shape[1] * shape[2] <= kMostPixels;
  if (shape[0] == 0 || !sides) {
    reject(path, fmt::format("{} images of {} x {} pixels", shape[0], shape[1], shape[2]),
           "Wanted: at least one image, of at most 65000 pixels a side and 100000000 in all.");
  }
  Pictures pictures{
      std::move(array.bytes), shape[0], {static_cast<int>(shape[1]), static_cast<int>(shape[2])}};
  if (colour) return pictures;
  std::vector<std::uint8_t> three;
  three.reserve(pictures.pixels.size() * 3);
  for (const std::uint8_t value : pictures.pixels) three.insert(three.end(), 3, value);
  pictures.pixels = std::move(three);
  return pictures;
}

std::vector<std::int32_t> read_labels(const fs::path& path, std::size_t images) {
  const NpyArray array = read_npy(path);
  const auto numbers = npy_integers(array);
  if (!numbers || array.shape.size() != 1 || numbers->size() != images) {
    reject(path, fmt::format("an array of {} [{}]", array.dtype, fmt::join(array.shape, ", ")),
           fmt::format("Wanted: one integer for each of the {} images.", images));
  }
  std::vector<std::int32_t> labels;
  for (const std::int64_t number : *numbers) {
    if (number >= kMostClasses)
      reject(path, fmt::format("a label of {}", number), "Number the classes from 0.");
    labels.push_back(static_cast<std::int32_t>(std::max(number, std::int64_t{-1})));
  }
  return labels;
}

}  // namespace

DataSource open_shapes10(std::int64_t images) {
  const auto count = static_cast<std::size_t>(images);
  return {make_shapes10(kShapesSeed, kFirstTrainShape, count),
          make_shapes10(kShapesSeed, kFirstTestShape, count / 2), shapes10_class_names(),
          kShapesSide};
}

DataSource open_cifar(const fs::path& path) {
  CifarFiles files = read_cifar(path);
  const auto images = [](CifarPart& part) {
    return std::make_shared<ImageArray>(std::move(part.pixels), std::move(part.labels), kCifarSide,
                                        kCifarSide);
  };
  return {images(files.train), images(files.test), std::move(files.class_names), kCifarSide};
}

DataSource open_npy(const fs::path& path, LabelSource labels) {
  std::error_code ignored;
  const fs::path images = fs::is_directory(path, ignored) ? path / "images.npy" : path;
  const fs::path beside = images.parent_path() / "labels.npy";
  Pictures pictures = read_pictures(images);
  std::vector<std::int32_t> numbers(pictures.count, -1);
  if (labels != LabelSource::kNone && fs::exists(beside, ignored))
    numbers = read_labels(beside, pictures.count);
  DataSource source;
  const std::int32_t last = *std::max_element(numbers.begin(), numbers.end());
  for (std::int32_t c = 0; c <= last; ++c) source.class_names.push_back(std::to_string(c));
  std::vector<std::size_t> with_label;
  std::vector<std::size_t> without;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    (last < 0 || numbers[i] >= 0 ? with_label : without).push_back(i);
  const auto [height, width] = pictures.size;
  const auto all = std::make_shared<const ImageArray>(std::move(pictures.pixels),
                                                      std::move(numbers), height, width);
  source.train = std::make_shared<Subset>(all, std::move(with_label));
  source.test = no_images();
  if (!without.empty()) source.unlabelled = std::make_shared<Subset>(all, std::move(without));
  source.image_size = natural_image_size(height, width);
  return source;
}

}  // namespace simclr
