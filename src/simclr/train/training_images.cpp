#include "simclr/train/training_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/data/image_keys.h"
#include "simclr/formats/npy.h"
#include "simclr/train/run_parts.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Keys = std::vector<std::int64_t>;

std::optional<Keys> read_keys(const RunFolder& run) {
  const fs::path path = run.training_images();
  if (!fs::exists(path)) return std::nullopt;
  const std::optional<Keys> keys = npy_integers(read_npy(path));
  if (keys) return keys;
  throw Error(ExitCode::kData, fmt::format("{}: does not hold whole numbers", path.string()),
              "Delete it: what is left unknown then is which images the run was trained on.");
}

void write_keys(const RunFolder& run, const Keys& keys) {
  write_file_atomically(run.training_images(), [&](std::ostream& out) {
    out << npy_header("i8", {keys.size()});
    out.write(reinterpret_cast<const char*>(keys.data()),
              static_cast<std::streamsize>(keys.size() * sizeof(keys.front())));
  });
}

std::size_t count_in(const Keys& keys, const Keys& others) {
  const std::unordered_set<std::int64_t> known(others.begin(), others.end());
  return static_cast<std::size_t>(std::count_if(
      keys.begin(), keys.end(), [&](std::int64_t key) { return known.contains(key); }));
}

void check_same(const RunFolder& run, const Keys& before, const Keys& now) {
  if (before == now) return;
  const std::size_t missing = before.size() - count_in(before, now);
  const std::size_t added = now.size() - count_in(now, before);
  throw Error(
      ExitCode::kData,
      missing + added == 0
          ? fmt::format("{} was begun with the same images in another order", run.path().string())
          : fmt::format("{} was begun with other images: {} of its {} are no longer among the "
                        "training images, and {} are new",
                        run.path().string(), with_commas(missing), with_commas(before.size()),
                        with_commas(added)),
      "Put the images back as they were, or start a new --out.");
}

Json part_json(const Dataset& images, const Keys& keys) {
  return {{"images", images.size()}, {"sha256", images_sha256(images, keys)}};
}

}  // namespace

void keep_training_images(const RunFolder& run, const DataSplits& data, const Settings& settings,
                          bool resume) {
  const std::shared_ptr<const Dataset> images = training_images(data, settings);
  const Keys keys = image_keys(*images);
  if (resume) {
    if (const auto before = read_keys(run)) return check_same(run, *before, keys);
  }
  const Json parts{{"side", data.image_size},
                   {"training", part_json(*images, keys)},
                   {"validation", part_json(*data.validation, image_keys(*data.validation))},
                   {"test", part_json(*data.test, image_keys(*data.test))}};
  write_file_atomically(run.images(), parts.dump(2) + "\n");
  write_keys(run, keys);
}

std::optional<std::int64_t> recorded_side(const RunFolder& run) {
  const fs::path path = run.images();
  if (!fs::exists(path)) return std::nullopt;
  const Json json = Json::parse(read_file(path), nullptr, false);
  const bool has_side =
      json.is_object() && json.contains("side") && json["side"].is_number_unsigned();
  if (has_side) return json["side"].get<std::int64_t>();
  throw Error(ExitCode::kData,
              fmt::format("{}: does not say how large the views are", path.string()),
              "Delete it, and give the side by --image-size.");
}

std::optional<std::size_t> images_trained_on(const RunFolder& run, const Dataset& images) {
  const auto keys = read_keys(run);
  if (!keys) return std::nullopt;
  return count_in(image_keys(images), *keys);
}

}  // namespace simclr
