#include "simclr/eval/run_encoder.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/data/open.h"
#include "simclr/formats/safetensors.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/device.h"
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

}  // namespace

RunEncoder load_run_encoder(const RunEncoderOptions& options, const Settings& settings,
                            EventSink& sink) {
  const c10::Device device = prepare_device(settings.run);
  const std::filesystem::path path =
      checkpoint_of(RunFolder::open(options.run), options.checkpoint);
  SimclrModel model = settings.train.objective == Objective::kContrastive
                          ? SimclrModel::contrastive(settings.model, settings.train.seed)
                          : SimclrModel::supervised(settings.model, classes_in(path),
                                                    settings.train.seed);
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
