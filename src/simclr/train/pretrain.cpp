#include "simclr/train/pretrain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/data/open.h"
#include "simclr/train/run_folder.h"
#include "simclr/train/time_budget.h"
#include "simclr/train/trainer.h"

namespace simclr {
namespace {

void check_resumable(const RunFolder& run, const Settings& settings) {
  const std::string changed = forbidden_changes(run.settings(), settings, may_change_on_resume);
  if (changed.empty()) return;
  throw Error(
      ExitCode::kUsage,
      fmt::format("{} was trained with other settings:{}", run.path().string(), changed),
      "Only epochs, workers, threads and how often to save may change on --resume. Leave the "
      "others out, or start a new --out.");
}

void check_batch_size(const DataSplits& data, const Settings& settings) {
  const auto images = static_cast<std::int64_t>(training_images(data, settings)->size());
  if (images >= settings.train.batch_size) return;
  throw Error(ExitCode::kUsage,
              fmt::format("--batch-size {} is more than the {} training images",
                          settings.train.batch_size, images),
              "Lower --batch-size, or raise --train-percent.");
}

void check_budget(const PretrainOptions& options) {
  if (!options.resume || options.settings.train.time_budget.seconds == 0.0) return;
  throw Error(ExitCode::kUsage, "--time-budget is for a new run",
              "With --resume give the number of --epochs, or leave it as it is.");
}

RunFolder open_run(const PretrainOptions& options) {
  if (!options.resume) {
    return RunFolder::create(options.out, options.settings, options.command, options.overwrite);
  }
  RunFolder run = RunFolder::open(options.out);
  check_resumable(run, options.settings);
  run.write_settings(options.settings);
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
  const DataSplits data = open_data(settings.data, sink);
  if (settings.train.objective == Objective::kSupervised)
    require_labels(data, "--objective supervised");
  else if (needs_labels(settings))
    require_labels(data, "--loss supcon");
  check_batch_size(data, settings);
  check_budget(options);
  RunFolder run = open_run(options);
  LoggingSink log(run, sink);
  record_skipped(run, data, log);
  if (settings.train.time_budget.seconds > 0.0) {
    settings.train.epochs = measured_epochs(settings, data, log);
    settings.train.time_budget = {};  // the run's settings repeat it, on any machine
    run.write_settings(settings);
  }
  Trainer trainer(options, data, run, log);
  if (options.resume) trainer.restore();
  return trainer.train();
}

}  // namespace simclr
