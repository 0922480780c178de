#include "simclr/eval/run_encoder.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/data/open.h"
#include "simclr/formats/safetensors.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/device.h"
#include "simclr/weights/load_encoder.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

std::filesystem::path checkpoint_of(const RunFolder& run, const std::string& name) {
  const std::filesystem::path path = run.checkpoint(name);
  if (std::filesystem::exists(path)) return path;
  throw Error(ExitCode::kUsage, fmt::format("{}: there is no such checkpoint", path.string()),
              "Train first: `simclr pretrain --out` writes it after every epoch.");
}

/// Outputs of a checkpoint's classifier: its data need not be there to count classes.
std::int64_t classes_in(const std::filesystem::path& checkpoint) {
  const SafetensorsFile file = SafetensorsFile::read(checkpoint);
  const auto head = file.tensors().find("model.head.weight");
  return head == file.tensors().end() ? 1 : head->second.shape.front();
}

RunEncoder load_weights(const std::filesystem::path& path, const Settings& settings,
                        EventSink& sink) {
  ModelSettings headless = settings.model;
  headless.head = Head::kNone;
  SimclrModel model = SimclrModel::contrastive(headless, settings.train.seed);
  const LoadReport report = load_encoder(model, headless, path, TensorFile::read(path));
  sink.message(fmt::format("{}: encoder {}\n{}", path.string(), encoder_sha256(model).substr(0, 12),
                           report.table()));
  model.to(prepare_device(settings.run));
  return {std::move(model), 0, path.string()};
}

}  // namespace

void create_run_of_weights(const RunEncoderOptions& options, Settings settings,
                           const std::string& command) {
  LoadOptions how;
  if (settings.model.stem != Stem::kImageNet) how.stem = settings.model.stem;
  const TensorFile file = TensorFile::read(options.weights);
  const EncoderInfo info =
      describe_encoder(options.weights, file, find_encoder(options.weights, file), how.stem);
  settings.model.arch = info.model.arch;
  settings.model.width = info.model.width;
  settings.model.stem = info.model.stem;
  if (info.normalization) settings.augment.normalization = *info.normalization;
  if (info.image_size > 0 && settings.data.image_size == 0)
    settings.data.image_size = info.image_size;
  RunFolder::create(options.run, settings, command, /*overwrite=*/false);
}

RunEncoder load_run_encoder(const RunEncoderOptions& options, const Settings& settings,
                            EventSink& sink) {
  if (!options.weights.empty()) return load_weights(options.weights, settings, sink);
  const c10::Device device = prepare_device(settings.run);
  const std::filesystem::path path =
      checkpoint_of(RunFolder::open(options.run), options.checkpoint);
  SimclrModel model =
      settings.train.objective == Objective::kContrastive
          ? SimclrModel::contrastive(settings.model, settings.train.seed)
          : SimclrModel::supervised(settings.model, classes_in(path), settings.train.seed);
  const std::int64_t epoch =
      load_model(path, model, options.average ? Weights::kAverage : Weights::kTrained);
  model.to(device);
  sink.message(fmt::format("{}: {} tensors, epoch {}, encoder {}", path.string(),
                           model.parameters().size() + model.buffers().size(), epoch,
                           encoder_sha256(model).substr(0, 12)));
  return {std::move(model), epoch, path.string()};
}

std::int64_t trained_side(const RunFolder& run, const Settings& settings, EventSink& sink) {
  if (settings.data.image_size > 0) return settings.data.image_size;
  try {
    return open_source(run.settings().data, sink).image_size;
  } catch (const Error& error) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: the side of the views that it was trained on is not known: {}",
                            run.path().string(), error.what()),
                "Give it by --image-size: features of another size are not what was trained.");
  }
}

}  // namespace simclr
