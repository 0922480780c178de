#include "simclr/eval/run_encoder.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/data/open.h"
#include "simclr/formats/safetensors.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/device.h"
#include "simclr/train/training_images.h"
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

/// Images that are prepared otherwise than those it was trained on give other features: whatever
/// is assumed is said.
void say_what_is_assumed(const EncoderInfo& info, const Settings& settings, EventSink& sink) {
  if (!info.normalization) {
    sink.message(
        fmt::format("  How its images were normalised it does not say: taken as {} "
                    "(augment.normalization=NAME).",
                    name_of(settings.augment.normalization)));
  }
  if (info.image_size == 0) {
    const std::int64_t side = settings.data.image_size;
    sink.message(fmt::format("  How large they were it does not say: taken as {} (--image-size).",
                             side > 0 ? fmt::format("{0}x{0}", side) : "the data's"));
  }
}

RunEncoder load_weights(const RunEncoderOptions& options, const Settings& settings,
                        EventSink& sink) {
  if (settings.eval.on == ScoredVectors::kProjection) {
    throw Error(
        ExitCode::kUsage,
        fmt::format("{}: of a file the encoder is taken, not its head", options.weights.string()),
        "Score --on features; projections are scored by the run's checkpoint.");
  }
  ModelSettings headless = settings.model;
  headless.head = Head::kNone;
  SimclrModel model = SimclrModel::contrastive(headless, settings.train.seed);
  const std::filesystem::path& path = options.weights;
  const TensorFile file = TensorFile::read(path);
  const LoadReport report =
      load_encoder(model, headless, path, file,
                   {.allow_missing = options.allow_missing, .average = options.average});
  const EncoderInfo info =
      describe_encoder(path, file, find_encoder(path, file, options.average), settings.model.stem);
  sink.message(fmt::format("{}: encoder {}\n{}", path.string(), encoder_sha256(model).substr(0, 12),
                           report.table()));
  say_what_is_assumed(info, settings, sink);
  model.to(prepare_device(settings.run));
  return {std::move(model), info.epochs, path.string()};
}

/// The settings that a file of ours records. Where and how it was trained is of no use to others.
void add_recorded(SettingsBuilder& builder, const TensorFile& file, const std::string& origin) {
  const auto text = file.metadata().find("settings");
  if (!says_what_it_is(file) || text == file.metadata().end()) return;
  Settings settings;
  try {
    SettingsBuilder recorded;
    recorded.apply_yaml(text->second, origin);
    settings = recorded.resolve();
  } catch (const Error&) {
    return;  // of another version: what else the file says is enough
  }
  for (const Field& field : all_fields())
    if (field.section != "run" && field.key() != "data.cache")
      builder.set(field.key(), field.get(settings), origin);
}

bool is_run(const std::filesystem::path& path) { return !path.empty() && exists(path); }

}  // namespace

SettingsBuilder settings_of_weights(const RunEncoderOptions& options, std::optional<Stem> stem) {
  const TensorFile file = TensorFile::read(options.weights);
  const std::string origin = options.weights.string();
  SettingsBuilder builder;
  const bool in_run = is_run(options.run);
  if (in_run)
    builder.apply_yaml(to_yaml(RunFolder::open(options.run).settings()), options.run.string());
  if (in_run && !says_what_it_is(file)) return builder;
  const EncoderInfo info = describe_encoder(
      options.weights, file, find_encoder(options.weights, file, options.average), stem);
  if (!in_run) {
    add_recorded(builder, file, origin);
    builder.set("model.arch", name_of(info.model.arch), origin);
    builder.set("model.width", fmt::format("{}", info.model.width), origin);
    builder.set("model.stem", name_of(info.model.stem), origin);
  }
  if (info.normalization)
    builder.set("augment.normalization", name_of(*info.normalization), origin);
  if (info.image_size > 0)
    builder.set("data.image_size", fmt::format("{}", info.image_size), origin);
  return builder;
}

RunEncoder load_run_encoder(const RunEncoderOptions& options, const Settings& settings,
                            EventSink& sink) {
  if (!options.weights.empty()) return load_weights(options, settings, sink);
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
  if (const auto side = recorded_side(run)) return *side;
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
