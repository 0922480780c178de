#include "simclr/train/pretrain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/data/open.h"
#include "simclr/train/checkpoint_folder.h"
#include "simclr/train/device.h"
#include "simclr/train/initial_weights.h"
#include "simclr/train/precision.h"
#include "simclr/train/run_folder.h"
#include "simclr/train/run_parts.h"
#include "simclr/train/start_checks.h"
#include "simclr/train/time_budget.h"
#include "simclr/train/trainer.h"
#include "simclr/train/training_images.h"

namespace simclr {
namespace {

void check_resumable(const RunFolder& run, const Settings& settings) {
  const std::string changed = forbidden_changes(run.settings(), settings, may_change_on_resume);
  if (changed.empty()) return;
  throw Error(
      ExitCode::kUsage,
      fmt::format("{} was trained with other settings:{}", run.path().string(), changed),
      "Only epochs, workers, threads, the cache folder, TensorBoard, how often to save and what to "
      "keep may change on --resume. Leave the others out, or start a new --out.");
}

/// A run whose epochs were chosen for a time budget keeps their number: measured again, on another
/// day, it would be another.
void keep_epochs(const RunFolder& run, Settings& settings, EventSink& sink) {
  const TrainSettings own = run.settings().train;
  TrainSettings& given = settings.train;
  if (given.time_budget.seconds == 0.0 || own.time_budget.seconds > 0.0) return;
  given.time_budget = {};
  given.epochs = own.epochs;
  sink.message(
      fmt::format("No time is measured for a run that goes on; its epochs stay {}.", own.epochs));
}

RunFolder open_run(const PretrainOptions& options, const InitialWeights& initial) {
  if (!options.resume) {
    return RunFolder::create(options.out, options.settings, options.command, options.overwrite,
                             initial.source);
  }
  RunFolder run = RunFolder::open(options.out);
  check_initial_weights(run, initial, !CheckpointFolder(run).empty());
  return run;
}

/// skipped.jsonl: a line for every file that was left out; no such file if none was.
void record_skipped(const RunFolder& run, const DataSplits& data, EventSink& sink) {
  if (data.skipped.empty()) return;
  std::string lines;
  for (const SkippedFile& file : data.skipped) {
    const nlohmann::ordered_json line{{"file", file.name}, {"reason", file.reason}};
    lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  write_file_atomically(run.skipped(), lines);
  sink.message(fmt::format("{} of {} files {} skipped; see {}", with_commas(data.skipped.size()),
                           with_commas(data.files), data.skipped.size() == 1 ? "was" : "were",
                           run.skipped().string()));
}

}  // namespace

bool may_change_on_resume(const std::string& key) {
  static constexpr std::array kAllowed{"train.epochs",    "run.workers",        "run.threads",
                                       "data.cache",      "save.epochs",        "save.minutes",
                                       "save.keep_every", "monitor.tensorboard"};
  return std::find(kAllowed.begin(), kAllowed.end(), key) != kAllowed.end();
}

PretrainResult pretrain(const PretrainOptions& asked, EventSink& sink) {
  PretrainOptions options = asked;
  Settings& settings = options.settings;
  if (options.resume) {
    const RunFolder run = RunFolder::open(options.out);
    keep_epochs(run, settings, sink);
    check_resumable(run, settings);
  }
  const DataSplits data = open_data(settings.data, sink);
  check_start(options, data);
  const c10::Device device = prepare_device(settings.run);
  choose_precision(settings, device);  // throws where there is none
  SimclrModel model = make_model(settings, data);
  const InitialWeights initial = load_initial_weights(model, options);
  model.to(device);

  // Only now that it can begin it may take the place of another run.
  const RunFolder run = open_run(options, initial);
  keep_training_images(run, data, settings, options.resume);
  LoggingSink log(run, sink);
  record_skipped(run, data, log);
  if (settings.train.time_budget.seconds > 0.0) {
    settings.train.epochs = measured_epochs(settings, data, log);
    settings.train.time_budget = {};  // the run's settings repeat it, on any machine
    run.write_settings(settings);
  }
  if (CheckpointFolder(run).empty() && !initial.note.empty()) log.message(initial.note);
  Trainer trainer(options, data, run, std::move(model), log);
  if (options.resume) {
    trainer.restore();
    run.write_settings(settings);
  }
  return trainer.train();
}

}  // namespace simclr
