#include "simclr/study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/stopwatch.h"
#include "simclr/core/text.h"
#include "simclr/data/open.h"
#include "simclr/study/run_trial.h"
#include "simclr/study/status.h"

namespace simclr {
namespace {

/// How long to wait before looking again whether another process has finished the source run.
constexpr auto kLookAgain = std::chrono::seconds(2);

/// Every line with the trial it belongs to before it, and on progress what is left of the study.
class TrialSink final : public EventSink {
 public:
  using Left = std::function<std::optional<double>()>;
  TrialSink(EventSink& next, std::string prefix, Left left)
      : next_(next), prefix_(std::move(prefix)), left_(std::move(left)) {}
  void message(std::string_view line) override {
    next_.message(prefix_ + std::string(line));
    const auto seconds = left_();  // a message comes after an epoch, progress after a step
    left_text_ = seconds ? fmt::format(", study {} left", format_duration(*seconds)) : "";
  }
  void progress(std::string_view task, std::int64_t done, std::int64_t total,
                std::string_view rate_text) override {
    next_.progress(prefix_ + std::string(task), done, total, std::string(rate_text) + left_text_);
  }

 private:
  EventSink& next_;
  std::string prefix_;
  Left left_;
  std::string left_text_;
};

/// What is wrong, and what to do about it.
std::string reason_of(const Error& error) {
  return error.hint().empty() ? error.what() : fmt::format("{}. {}", error.what(), error.hint());
}

class StudyRunner {
 public:
  StudyRunner(const StudyOptions& options, EventSink& sink)
      : options_(options),
        plan_(options.plan),
        selected_(with_source(options.plan, options.selected)),
        sink_(sink),
        folder_(StudyFolder::open(options.out, options.plan, options.command, options.overwrite)) {}

  StudyResult run() {
    sink_.message(status_table(plan_, folder_, selected_));
    std::vector<std::size_t> pending;
    for (std::size_t i = 0; i < plan_.trials.size(); ++i) {
      if (is_selected(selected_, i)) pending.push_back(i);
    }
    while (!interrupted_) {
      std::erase_if(pending, [&](std::size_t i) { return interrupted_ || visit(i); });
      if (pending.empty() || interrupted_) break;
      std::this_thread::sleep_for(kLookAgain);
      interrupted_ = options_.stop();
    }
    StudyResult result{{}, interrupted_};
    for (const Trial& trial : plan_.trials) result.states.push_back(folder_.state(trial));
    return result;
  }

 private:
  /// @return false if the trial must wait for its source run, which another process is making
  bool visit(std::size_t i) {
    const Trial& trial = plan_.trials[i];
    if (is_settled(i)) return true;
    std::filesystem::path weights;
    if (trial.init == "source") {
      TrialState source = folder_.state(plan_.trials[*plan_.source]);
      if (source.stage == TrialStage::kWaiting) {  // whoever made it is gone
        visit(*plan_.source);
        source = folder_.state(plan_.trials[*plan_.source]);
      }
      if (source.stage == TrialStage::kFailed) {
        fail(trial, fmt::format("its source run failed: {}", source.reason), false);
        return true;
      }
      if (source.stage != TrialStage::kDone) return false;
      weights = folder_.run(plan_.trials[*plan_.source]) / "checkpoints/best.safetensors";
    } else if (trial.init != "random") {
      weights = trial.init;
    }
    auto lock = TrialLock::take(folder_.lock(trial));
    if (!lock) {
      sink_.message(fmt::format("Trial {} is worked on elsewhere.", trial.name));
      return true;
    }
    if (is_settled(i)) return true;
    work(i, weights, *lock);
    lock.reset();  // or the table would call the trial running
    if (!interrupted_) sink_.message(status_table(plan_, folder_, selected_));
    return true;
  }

  /// Done, or failed in a way that would repeat itself, or tried already in this call.
  bool is_settled(std::size_t i) const {
    const TrialState state = folder_.state(plan_.trials[i]);
    return state.stage == TrialStage::kDone ||
           (state.stage == TrialStage::kFailed && (state.diverged || tried_.contains(i)));
  }

  void work(std::size_t i, const std::filesystem::path& weights, const TrialLock& lock) {
    const Trial& trial = plan_.trials[i];
    const Stopwatch watch;
    TrialState state = folder_.state(trial);
    tried_.insert(i);
    TrialSink sink(sink_, fmt::format("[{}/{} {}] ", i + 1, plan_.trials.size(), trial.name),
                   [this] { return seconds_left(plan_, folder_, selected_); });
    try {
      const TrialWork work{.plan = plan_,
                           .trial = trial,
                           .folder = folder_,
                           .weights = weights,
                           .is_source = plan_.source == i,
                           .command = options_.command,
                           .stop = [&] { return options_.stop() || lock.lost(); }};
      const bool whole = run_trial(work, sink);
      interrupted_ = options_.stop();
      state.stage = whole ? TrialStage::kDone : TrialStage::kWaiting;
      state.reason.clear();
    } catch (const Error& error) {
      state.stage = TrialStage::kFailed;
      state.reason = reason_of(error);
      state.diverged = error.code() == ExitCode::kDiverged;
      sink.message(fmt::format("This trial failed: {}", state.reason));
    } catch (const std::exception& error) {
      state.stage = TrialStage::kFailed;
      state.reason = error.what();
      sink.message(fmt::format("This trial failed: {}", error.what()));
    }
    if (lock.lost()) {
      sink.message("Another process has taken this trial over; it is left to it.");
      return;
    }
    state.seconds += watch.seconds();
    folder_.write_state(trial, state);
  }

  void fail(const Trial& trial, const std::string& reason, bool diverged) {
    folder_.write_state(trial, {TrialStage::kFailed, reason, diverged});
    sink_.message(fmt::format("Trial {} failed: {}", trial.name, reason));
    for (std::size_t i = 0; i < plan_.trials.size(); ++i) {
      if (&plan_.trials[i] == &trial) tried_.insert(i);
    }
  }

  const StudyOptions& options_;
  const StudyPlan& plan_;
  Selection selected_;
  EventSink& sink_;
  StudyFolder folder_;
  std::set<std::size_t> tried_;
  bool interrupted_ = false;
};

/// Opens the images of every trial that is scored, each kind once: what they lack would only be
/// noticed after hours. @throws Error as run_study()
void check_images(const StudyOptions& options, EventSink& sink) {
  const StudyPlan& plan = options.plan;
  std::set<std::string> known;
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    const Settings& settings = plan.trials[i].settings;
    if (!is_selected(options.selected, i) || plan.source == i) continue;
    const bool measured = settings.train.objective == Objective::kContrastive;
    std::string kind = fmt::format("{}\n", measured);
    for (const Field& field : all_fields())
      if (field.section == "data") kind += field.get(settings) + "\n";
    if (!known.insert(kind).second) continue;
    const DataSplits data = open_data(settings.data, sink);
    if (!plan.protocols.empty()) require_labels(data, "a study");
    if (!measured || std::cmp_greater_equal(data.validation->size(), plan.measure.batch_size))
      continue;
    throw Error(ExitCode::kUsage,
                fmt::format("the common measure needs {} validation images, and trial {} has {}",
                            plan.measure.batch_size, plan.trials[i].name, data.validation->size()),
                "Lower measure.batch_size in the study file, or raise data.validation_percent.");
  }
}

[[noreturn]] void bad_list(const std::string& what, const std::string& text, std::size_t count) {
  throw Error(ExitCode::kUsage, fmt::format("--{} '{}' is not understood", what, text),
              fmt::format("Trials are numbered 1 to {}: `--trials 3,5-7`; `--shard 2/4` takes the "
                          "second of four shares.",
                          count));
}

/// A number at the start of `text`, which moves on behind it; 0 if there is none.
std::size_t take_number(std::string_view& text) {
  std::size_t number = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9' && number < 1000000) {
    number = 10 * number + static_cast<std::size_t>(text.front() - '0');
    text.remove_prefix(1);
  }
  return number;
}

}  // namespace

StudyResult run_study(const StudyOptions& options, EventSink& sink) {
  check_images(options, sink);
  return StudyRunner(options, sink).run();
}

std::set<std::size_t> parse_trials(const std::string& text, std::size_t count) {
  std::set<std::size_t> trials;
  std::string_view rest = text;
  while (true) {
    const std::size_t first = take_number(rest);
    std::size_t last = first;
    if (rest.starts_with('-')) {
      rest.remove_prefix(1);
      last = take_number(rest);
    }
    if (first < 1 || last < first || last > count) bad_list("trials", text, count);
    for (std::size_t i = first; i <= last; ++i) trials.insert(i - 1);
    if (rest.empty()) return trials;
    if (!rest.starts_with(',')) bad_list("trials", text, count);
    rest.remove_prefix(1);
  }
}

std::set<std::size_t> parse_shard(const std::string& text, std::size_t count) {
  std::string_view rest = text;
  const std::size_t shard = take_number(rest);
  if (!rest.starts_with('/')) bad_list("shard", text, count);
  rest.remove_prefix(1);
  const std::size_t shards = take_number(rest);
  if (!rest.empty() || shard < 1 || shard > shards) bad_list("shard", text, count);
  std::set<std::size_t> trials;
  for (std::size_t i = shard - 1; i < count; i += shards) trials.insert(i);
  return trials;
}

}  // namespace simclr
