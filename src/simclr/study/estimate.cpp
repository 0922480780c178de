#include "simclr/study/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "simclr/config/schema.h"
#include "simclr/core/scratch_folder.h"
#include "simclr/core/stopwatch.h"
#include "simclr/data/open.h"
#include "simclr/loader/batch_loader.h"
#include "simclr/study/baselines.h"
#include "simclr/study/common_measure.h"
#include "simclr/study/run_trial.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/device.h"
#include "simclr/train/monitor.h"
#include "simclr/train/pretrain.h"
#include "simclr/train/run_parts.h"
#include "simclr/train/time_budget.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr int kWarmUpSteps = 3;
constexpr int kFewestSteps = 6;
constexpr double kMeasuredSeconds = 4.0;

/// The value of every setting of these sections: what a measurement depends on.
std::string signature(const Settings& settings, const std::vector<std::string>& keys) {
  std::string text;
  for (const Field& field : all_fields()) {
    const bool wanted = std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
      return field.section == key || field.key() == key;
    });
    if (wanted) text += field.key() + "=" + field.get(settings) + "\n";
  }
  return text;
}

struct StepTimes {
  double step_seconds = 0.0;
  double checkpoint_seconds = 0.0;
};

/// Seconds of a step, from when each ended.
double step_seconds(const std::vector<double>& ends) {
  std::vector<double> steps;
  for (std::size_t i = kWarmUpSteps; i < ends.size(); ++i) steps.push_back(ends[i] - ends[i - 1]);
  if (steps.empty()) return ends.empty() ? 0.0 : ends.back() / static_cast<double>(ends.size());
  std::nth_element(steps.begin(), steps.begin() + std::ssize(steps) / 2, steps.end());
  return steps[steps.size() / 2];
}

/// Epochs as set, or as many as fit into the time budget.
std::int64_t epochs_of(const TrainSettings& train, double epoch_seconds) {
  const double budget = train.time_budget.seconds;
  return budget > 0.0 ? epochs_within(budget, {.epoch = epoch_seconds}) : train.epochs;
}

/// Some steps of a real run into `run`, which is stopped and saved as by a signal, and by nothing
/// before.
StepTimes time_steps(const Settings& settings, const fs::path& run) {
  NullSink silence;
  const Stopwatch watch;
  std::vector<double> ends;  // seconds
  PretrainOptions options{.settings = settings, .out = run, .command = "estimate"};
  TrainSettings& asked = options.settings.train;
  asked.epochs = std::max<std::int64_t>(asked.epochs, 1000);
  asked.time_budget = {};
  asked.patience = 0;
  options.stop = [&] {
    ends.push_back(watch.seconds());
    const auto steps = static_cast<int>(ends.size());
    return steps >= kWarmUpSteps + kFewestSteps &&
           ends.back() - ends[kWarmUpSteps - 1] >= kMeasuredSeconds;
  };
  pretrain(options, silence);
  StepTimes times;
  times.checkpoint_seconds = watch.seconds() - (ends.empty() ? 0.0 : ends.back());
  times.step_seconds = step_seconds(ends);
  return times;
}

/// Validation as the trainer does it: two views of each image, forward only, and the monitors.
double time_validation(const StudyPlan& plan, const Settings& settings) {
  const DataSplits data = open_data(settings.data);
  const c10::Device device = prepare_device(settings.run);
  SimclrModel model = make_model(settings, data);
  model.to(device);
  const Monitor monitor(settings, data, model.feature_width(), device);
  const Stopwatch watch;
  common_measure(model, data, settings.augment, plan.measure, 0, settings.run.workers);
  EpochMetrics row;
  monitor.measure(model, row);
  return watch.seconds();
}

struct EvaluationTimes {
  double first = 0.0;   ///< with the random encoder's scores
  double others = 0.0;  ///< of trials that know those already
};

/// Everything that comes after training, on the run that time_steps left; then once more as a trial
/// does it that shares the random encoder with an earlier one.
EvaluationTimes time_evaluation(const StudyPlan& plan, const Trial& trial,
                                const StudyFolder& folder) {
  NullSink silence;
  const fs::path run = folder.run(trial);
  fs::copy_file(run / "checkpoints/last.safetensors", run / "checkpoints/best.safetensors",
                fs::copy_options::overwrite_existing);
  const TrialWork work{.plan = plan,
                       .trial = trial,
                       .folder = folder,
                       .weights = {},
                       .is_source = false,
                       .command = "estimate",
                       .stop = [] { return false; }};
  const auto timed = [&] {
    const Stopwatch watch;
    finish_trial(work, silence);
    return watch.seconds();
  };
  EvaluationTimes times;
  times.first = timed();
  for (const fs::path& done : {run / "results.jsonl", run / "pictures.json", folder.measure(trial)})
    fs::remove(done);
  times.others = timed();
  return times;
}

/// Steps and seconds in all, from what one step, epoch's end and evaluation take.
void add_up(TrialEstimate& estimate, const TrainSettings& train, std::int64_t steps_per_epoch) {
  const double epoch =
      estimate.step_seconds * static_cast<double>(steps_per_epoch) + estimate.epoch_end_seconds;
  const std::int64_t epochs = epochs_of(train, epoch);
  estimate.steps = epochs * steps_per_epoch;
  const double budget = train.time_budget.seconds;
  estimate.seconds =
      (budget > 0.0 ? budget : epoch * static_cast<double>(epochs)) + estimate.evaluation_seconds;
}

/// Measurements of one study, each kind once.
class Estimator {
 public:
  Estimator(const StudyPlan& plan, EventSink& sink)
      : plan_(plan),
        sink_(sink),
        folder_(StudyFolder::open(scratch_ / "study", plan, "estimate", false)) {}

  TrialEstimate estimate(std::size_t i) {
    const Trial& trial = plan_.trials[i];
    const Settings& s = trial.settings;
    const DataSplits data = open_data(s.data);
    const StepTimes steps = steps_of(i);
    TrialEstimate estimate;
    estimate.step_seconds = steps.step_seconds;
    const double validation = s.train.objective == Objective::kContrastive
                                  ? validation_of(trial)
                                  // Forward is about a third of a step.
                                  : steps.step_seconds / 3.0 *
                                        static_cast<double>(data.validation->size()) /
                                        static_cast<double>(s.train.batch_size);
    // Most epochs are the best so far at first, few later: one and a half checkpoints each.
    estimate.epoch_end_seconds = validation + 1.5 * steps.checkpoint_seconds;
    if (plan_.source != i) estimate.evaluation_seconds = evaluation_of(i);
    add_up(estimate, s.train,
           batches_per_epoch(training_images(data, s)->size(), s.train.batch_size, true));
    fs::remove_all(folder_.run(trial));
    return estimate;
  }

 private:
  /// What evaluations depend on: not the head.
  static std::string network_of(const Settings& settings) {
    return signature(settings,
                     {"data", "augment.normalization", "model.arch", "model.stem", "model.width",
                      "model.engine", "model.conv", "run", "eval", "knn", "linear", "finetune"});
  }
  StepTimes steps_of(std::size_t i) {
    const Trial& trial = plan_.trials[i];
    const std::string kind = signature(
        trial.settings, {"data", "augment", "model", "loss.kind", "train.objective",
                         "train.batch_size", "optim.optimizer", "optim.ema_decay", "run"});
    if (!steps_.contains(kind)) {
      sink_.message(fmt::format("Measuring steps of trial {}, {}", i + 1, trial.name));
      steps_[kind] = time_steps(trial.settings, folder_.run(trial));
    }
    return steps_[kind];
  }
  double validation_of(const Trial& trial) {
    const std::string kind = network_of(trial.settings);
    if (!validations_.contains(kind)) validations_[kind] = time_validation(plan_, trial.settings);
    return validations_[kind];
  }
  double evaluation_of(std::size_t i) {
    const Trial& trial = plan_.trials[i];
    const std::string kind = network_of(trial.settings);
    if (!evaluations_.contains(kind)) {
      sink_.message(fmt::format("Measuring evaluations of trial {}, {}", i + 1, trial.name));
      if (!fs::exists(folder_.run(trial))) time_steps(trial.settings, folder_.run(trial));
      evaluations_[kind] = time_evaluation(plan_, trial, folder_);
    }
    std::string random_encoder;
    for (const auto& [protocol, name] : EnumNames<Protocol>::table)
      random_encoder += baseline_key(trial.settings, protocol);
    const bool first = known_.insert(random_encoder).second;
    return first ? evaluations_[kind].first : evaluations_[kind].others;
  }

  const StudyPlan& plan_;
  EventSink& sink_;
  ScratchFolder scratch_{"estimate"};
  StudyFolder folder_;
  std::map<std::string, StepTimes> steps_;
  std::map<std::string, double> validations_;
  std::map<std::string, EvaluationTimes> evaluations_;
  std::set<std::string> known_;
};

}  // namespace

std::vector<TrialEstimate> estimate_study(const StudyPlan& plan, const Selection& selected,
                                          EventSink& sink) {
  Estimator estimator(plan, sink);
  std::vector<TrialEstimate> estimates(plan.trials.size());
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    if (is_selected(selected, i)) estimates[i] = estimator.estimate(i);
  }
  return estimates;
}

}  // namespace simclr
