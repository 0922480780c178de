#include "simclr/study/status.h"

#include <fmt/format.h>

#include <algorithm>

#include "simclr/core/text.h"

namespace simclr {
namespace {

/// Of a trial, the rest being what comes after its last epoch.
constexpr double kTrainingShare = 0.9;

/// Work in arbitrary units: a first guess that only weighs trials against each other.
double work_of(const Trial& trial) {
  const Settings& s = trial.settings;
  const double depth = s.model.arch == Arch::kResNet50   ? 4.0
                       : s.model.arch == Arch::kResNet34 ? 2.0
                                                         : 1.0;
  const double stem = s.model.stem == Stem::kCifar       ? 16.0
                      : s.model.stem == Stem::kCifarPool ? 4.0
                                                         : 1.0;
  return static_cast<double>(s.train.epochs) * s.data.train_percent * s.model.width *
         s.model.width * depth * stem;
}

std::string shown_in(const StudyPlan& plan, std::size_t trial) {
  std::string names;
  if (plan.source == trial) names = "source of initial weights";
  for (const SubStudy& sub : plan.sub_studies) {
    const bool shown = std::any_of(sub.arms.begin(), sub.arms.end(), [&](const Arm& arm) {
      return std::find(arm.trials.begin(), arm.trials.end(), trial) != arm.trials.end();
    });
    if (shown) names += (names.empty() ? "" : ", ") + sub.name;
  }
  return names;
}

bool has_budget(const Trial& trial) { return trial.settings.train.time_budget.seconds > 0.0; }

/// Epochs of a trial in all. With a time budget they are known once it has measured how many fit: 0
/// until then.
std::int64_t epochs_of(const Trial& trial, const TrialState& state) {
  return has_budget(trial) ? state.epochs : trial.settings.train.epochs;
}

/// How much of a trial, of 1, is done.
double share_done(const Trial& trial, const TrialState& state) {
  const auto epochs = static_cast<double>(epochs_of(trial, state));
  if (epochs == 0.0) return 0.0;
  return kTrainingShare * std::min(1.0, static_cast<double>(state.epochs_done) / epochs);
}

std::string stage_text(const TrialState& state, std::int64_t epochs) {
  const std::string of = epochs > 0 ? fmt::format("/{}", epochs) : "";
  switch (state.stage) {
    case TrialStage::kDone:
      return fmt::format("done in {}", format_duration(state.seconds));
    case TrialStage::kFailed:
      return "failed: " + printable(state.reason);
    case TrialStage::kRunning:
      if (epochs > 0 && state.epochs_done >= epochs) return "running, evaluations";
      return fmt::format("running, epoch {}{}", state.epochs_done + 1, of);
    case TrialStage::kWaiting:
      break;
  }
  if (state.epochs_done == 0) return "waiting";
  return fmt::format("stopped after epoch {}{}", state.epochs_done, of);
}

}  // namespace

Selection with_source(const StudyPlan& plan, Selection selected) {
  if (!selected || !plan.source) return selected;
  const bool needed = std::any_of(selected->begin(), selected->end(),
                                  [&](std::size_t i) { return plan.trials[i].init == "source"; });
  if (needed) selected->insert(*plan.source);
  return selected;
}

bool is_selected(const Selection& selected, std::size_t trial) {
  return !selected || selected->contains(trial);
}

std::optional<double> seconds_left(const StudyPlan& plan, const StudyFolder& folder,
                                   const Selection& selected) {
  double seconds_seen = 0.0;
  double work_seen = 0.0;
  double work_left = 0.0;
  double budgets_left = 0.0;  // seconds
  int running = 0;
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    const Trial& trial = plan.trials[i];
    const TrialState state = folder.state(trial);
    running += state.stage == TrialStage::kRunning ? 1 : 0;
    const bool is_left = is_selected(selected, i) && state.stage != TrialStage::kDone &&
                         state.stage != TrialStage::kFailed;
    const double share = share_done(trial, state);
    const double whole = work_of(trial);
    if (has_budget(trial)) {
      const double seconds = trial.settings.train.time_budget.seconds / kTrainingShare;
      if (is_left) budgets_left += seconds * (1.0 - share);
    } else if (state.stage == TrialStage::kDone) {
      seconds_seen += state.seconds;
      work_seen += whole;
    } else if (is_left) {
      seconds_seen += state.epoch_seconds;
      work_seen += whole * share;
      work_left += whole * (1.0 - share);
    }
  }
  if (work_seen == 0.0 && (work_left > 0.0 || budgets_left == 0.0)) return std::nullopt;
  const double others_left = work_left > 0.0 ? seconds_seen / work_seen * work_left : 0.0;
  return (budgets_left + others_left) / std::max(running, 1);
}

std::string status_table(const StudyPlan& plan, const StudyFolder& folder,
                         const Selection& selected) {
  std::size_t width = 0;
  for (const Trial& trial : plan.trials) width = std::max(width, trial.name.size());
  std::string table;
  int done = 0;
  int failed = 0;
  int left = 0;
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    if (!is_selected(selected, i)) continue;
    const Trial& trial = plan.trials[i];
    const TrialState state = folder.state(trial);
    (state.stage == TrialStage::kDone     ? done
     : state.stage == TrialStage::kFailed ? failed
                                          : left)++;
    table += fmt::format("{:>4}  {:<{}}  {}  ({})\n", i + 1, trial.name, width,
                         stage_text(state, epochs_of(trial, state)), shown_in(plan, i));
  }
  table += fmt::format("{} done, {} failed, {} left", done, failed, left);
  if (left > 0) {
    const auto seconds = seconds_left(plan, folder, selected);
    table += seconds ? fmt::format(", about {} to go", format_duration(*seconds))
                     : ", time left is known after the first epoch (or by --dry-run)";
  }
  return table;
}

}  // namespace simclr
