#include "simclr/study/run_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "simclr/core/files.h"
#include "simclr/data/open.h"
#include "simclr/eval/evaluate_run.h"
#include "simclr/study/baselines.h"
#include "simclr/study/common_measure.h"
#include "simclr/study/picture_data.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/device.h"
#include "simclr/train/pretrain.h"
#include "simclr/train/run_parts.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

bool train(const TrialWork& work, EventSink& sink) {
  const fs::path run = work.folder.run(work.trial);
  PretrainOptions options{.settings = work.trial.settings, .out = run, .command = work.command};
  options.resume = fs::exists(run / "config.yaml");
  if (!options.resume) fs::remove_all(run);  // killed before there was anything in it
  options.stop = work.stop;
  options.init = work.weights;
  return !pretrain(options, sink).interrupted;
}

/// Every protocol for the trained encoder, and for the random one unless its scores are known.
bool evaluate(const TrialWork& work, EventSink& sink) {
  const fs::path run = work.folder.run(work.trial);
  const Settings& settings = work.trial.settings;
  const Baselines baselines(work.folder.baselines());
  const std::vector<Protocol> left = work.folder.protocols_left(work.trial);
  if (left.empty()) return true;
  EvaluationOptions options{{.run = run}, settings, work.command};
  options.random = std::any_of(left.begin(), left.end(), [&](Protocol protocol) {
    return !baselines.find(settings, protocol);
  });
  RunEvaluator evaluator(options, sink);
  for (const Protocol protocol : left) {
    if (work.stop()) return false;
    if (!options.random) append_line(run / "results.jsonl", *baselines.find(settings, protocol));
    const EvaluationPair pair = evaluator.evaluate(protocol);
    if (options.random) baselines.keep(settings, protocol, pair.random.json, work.trial.name);
    sink.message(fmt::format("{}: test accuracy {:.2f} %", pair.trained.name,
                             100 * pair.trained.test_accuracy));
  }
  return true;
}

/// The common measure and the pictures: both need the network, so it is loaded once.
void measure(const TrialWork& work, EventSink& sink) {
  const fs::path run = work.folder.run(work.trial);
  const Settings& settings = work.trial.settings;
  const bool contrastive = settings.train.objective == Objective::kContrastive;
  const bool measured = !contrastive || fs::exists(work.folder.measure(work.trial));
  if (measured && fs::exists(run / "pictures.json")) return;
  const DataSplits data = open_data(settings.data, sink);
  const c10::Device device = prepare_device(settings.run);
  SimclrModel initial = make_model(settings, data);
  SimclrModel trained = make_model(settings, data);
  load_model(run / "checkpoints/best.safetensors", trained);
  initial.to(device);
  trained.to(device);
  if (!measured) {
    const AugmentSettings augment = measure_augment(work.plan.base.augment, settings.augment);
    const auto score = [&](SimclrModel& model) {
      return common_measure(model, data, augment, work.plan.measure, work.plan.base.train.seed,
                            settings.run.workers);
    };
    const CommonMeasure after = score(trained);
    write_file_atomically(
        work.folder.measure(work.trial),
        measure_json(after, score(initial), work.plan.measure, data.validation->size()));
    sink.message(fmt::format(
        "common measure: NT-Xent {:.4f}, top-1 {:.2f} % (N = {}, temperature {})", after.loss,
        100 * after.top1, work.plan.measure.batch_size, work.plan.measure.temperature));
  }
  if (!fs::exists(run / "pictures.json"))
    write_picture_data(run / "pictures.json", trained, data, settings);
}

}  // namespace

bool run_trial(const TrialWork& work, EventSink& sink) {
  if (!train(work, sink)) return false;
  return work.is_source || finish_trial(work, sink);
}

bool finish_trial(const TrialWork& work, EventSink& sink) {
  if (!evaluate(work, sink) || work.stop()) return false;
  measure(work, sink);
  return true;
}

}  // namespace simclr
