#include "simclr/train/tensorboard_log.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "simclr/config/schema.h"
#include "simclr/formats/png.h"
#include "simclr/loader/batch_loader.h"

namespace simclr {
namespace {

constexpr std::size_t kShownImages = 8;

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

HyperParameter as_parameter(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return text;
}

/// What decides how training goes; not where it runs, nor how it is scored.
std::map<std::string, HyperParameter> hyper_parameters(const Settings& settings) {
  std::map<std::string, HyperParameter> parameters;
  for (const Field& field : all_fields())
    for (const char* section : {"data", "augment", "model", "loss", "optim", "train"})
      if (field.section == section) parameters[field.key()] = as_parameter(field.get(settings));
  return parameters;
}

/// A column for each image: its two views, one under the other, as training draws them in its first
/// epoch but for the normalisation. PNG.
std::string views_grid(const Settings& settings, const std::shared_ptr<const Dataset>& images,
                       int side) {
  BatchPlan plan;
  plan.augment = settings.augment;
  plan.augment.normalization = Normalization::kNone;
  plan.batch_size = static_cast<std::int64_t>(std::min(images->size(), kShownImages));
  plan.side = side;
  plan.seed = settings.train.seed;
  BatchLoader loader(images, plan, 0);
  const auto batch = loader.next();
  const auto columns = static_cast<std::size_t>(batch->images);
  const auto s = static_cast<std::size_t>(side);
  std::vector<std::uint8_t> pixels(2 * columns * s * s * 3);
  const std::size_t line = 3 * s;
  for (std::size_t view = 0; view < 2 * columns; ++view) {
    for (std::size_t y = 0; y < s; ++y) {
      const float* from = batch->views.data() + (view * s + y) * line;
      const std::size_t row = view / columns * s + y;
      std::uint8_t* to = pixels.data() + (row * columns + view % columns) * line;
      std::transform(from, from + line, to, [](float value) {
        return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 1.0F) * 255.0F + 0.5F);
      });
    }
  }
  return encode_png(pixels, 2 * side, static_cast<int>(columns) * side);
}

std::filesystem::path without_old_events(const RunFolder& run) {
  for (const std::filesystem::path& file : event_files(run.path())) std::filesystem::remove(file);
  return run.path();
}

}  // namespace

TensorBoardLog::TensorBoardLog(const RunFolder& run, const Settings& settings,
                               const std::shared_ptr<const Dataset>& images, int side,
                               const std::vector<EpochMetrics>& rows)
    : writer_(without_old_events(run), now()) {
  writer_.add_hparams(hyper_parameters(settings), now());
  const std::string png = views_grid(settings, images, side);
  writer_.add_image("views", {reinterpret_cast<const std::uint8_t*>(png.data()), png.size()},
                    {0, now()});
  for (const EpochMetrics& row : rows) add(row);
}

void TensorBoardLog::add(const EpochMetrics& row) {
  for (const auto& [name, value] : measured_columns(row))
    writer_.add_scalar(name, static_cast<float>(value), {row.epoch, now()});
}

}  // namespace simclr
