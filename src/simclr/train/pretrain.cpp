#include "simclr/train/pretrain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/data/open.h"
#include "simclr/train/run_folder.h"
#include "simclr/train/trainer.h"

namespace simclr {
namespace {

void check_resumable(const RunFolder& run, const Settings& settings) {
  const Settings before = run.settings();
  std::string changed;
  for (const std::string& key : differing_keys(before, settings)) {
    if (may_change_on_resume(key)) continue;
    const Field& field = find_field(key);
    changed += fmt::format("\n  {}: {} there, {} now", key, field.get(before), field.get(settings));
  }
  if (changed.empty()) return;
  throw Error(ExitCode::kUsage,
              fmt::format("{} was trained with other settings:{}", run.path().string(), changed),
              "Only epochs, workers and threads may change on --resume. Leave the others out, or "
              "start a new --out.");
}

void check_batch_size(const DataSplits& data, const TrainSettings& train) {
  const auto images = static_cast<std::int64_t>(data.train->size());
  if (images >= train.batch_size) return;
  throw Error(
      ExitCode::kUsage,
      fmt::format("--batch-size {} is more than the {} training images", train.batch_size, images),
      "Lower --batch-size, or raise --train-percent.");
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

}  // namespace

bool may_change_on_resume(const std::string& key) {
  static constexpr std::array kAllowed{"train.epochs", "run.workers", "run.threads"};
  return std::find(kAllowed.begin(), kAllowed.end(), key) != kAllowed.end();
}

PretrainResult pretrain(const PretrainOptions& options, EventSink& sink) {
  const DataSplits data = open_data(options.settings.data);
  check_batch_size(data, options.settings.train);
  const RunFolder run = open_run(options);
  LoggingSink log(run, sink);
  Trainer trainer(options, data, run, log);
  if (options.resume) trainer.restore();
  return trainer.train();
}

}  // namespace simclr
