#include "cli/study_plans.h"

#include <fmt/format.h>

#include <algorithm>

#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr::cli {
namespace {

/// The words of a command line, each still quoted as it stands.
std::vector<std::string> words_of(const std::string& command_line) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (std::size_t i = 0; i < command_line.size(); ++i) {
    const char c = command_line[i];
    if (c == '\'') quoted = !quoted;
    if (c == ' ' && !quoted) {
      words.emplace_back();
      continue;
    }
    words.back() += c;
    if (c == '\\' && !quoted && i + 1 < command_line.size()) words.back() += command_line[++i];
  }
  return words;
}

/// The command without these flags and their values, which stand behind them or after a '='.
std::string without(const std::string& command_line, const std::vector<std::string>& flags) {
  std::string kept;
  bool is_value = false;
  for (const std::string& word : words_of(command_line)) {
    const std::string flag = word.substr(0, word.find('='));
    const bool left_out = is_value || std::find(flags.begin(), flags.end(), flag) != flags.end();
    is_value = left_out && !is_value && flag == word;
    if (!left_out) kept += (kept.empty() ? "" : " ") + word;
  }
  return kept;
}

/// The numbers of selected trials as SLURM and --trials take them: "1-4", "1,3,5-7".
std::string numbers_of(const Selection& selected, std::size_t count) {
  std::string numbers;
  for (std::size_t first = 0; first < count; ++first) {
    if (!is_selected(selected, first)) continue;
    std::size_t last = first;
    while (last + 1 < count && is_selected(selected, last + 1)) ++last;
    numbers += fmt::format("{}{}", numbers.empty() ? "" : ",", first + 1);
    if (last > first) numbers += fmt::format("-{}", last + 1);
    first = last;
  }
  return numbers;
}

}  // namespace

std::set<std::size_t> trials_of(const StudyPlan& plan,
                                const std::vector<std::string>& sub_studies) {
  std::vector<std::string> known;
  for (const SubStudy& sub : plan.sub_studies) known.push_back(sub.name);
  std::set<std::size_t> trials;
  for (const std::string& name : sub_studies) {
    const auto sub = std::find_if(plan.sub_studies.begin(), plan.sub_studies.end(),
                                  [&](const SubStudy& s) { return s.name == name; });
    if (sub == plan.sub_studies.end()) {
      throw Error(
          ExitCode::kUsage, fmt::format("--only: there is no sub-study '{}'", name),
          fmt::format("{}There are: {}.", did_you_mean(name, known), fmt::join(known, ", ")));
    }
    for (const Arm& arm : sub->arms) trials.insert(arm.trials.begin(), arm.trials.end());
  }
  return trials;
}

std::string estimate_table(const StudyPlan& plan, const Selection& selected,
                           const std::vector<TrialEstimate>& estimates) {
  std::size_t width = 5;
  for (const Trial& trial : plan.trials) width = std::max(width, trial.name.size());
  std::string table =
      fmt::format("{:>4}  {:<{}}  {:>10}  {:>8}  {:>11}  {:>11}  {:>12}\n", "no", "trial", width,
                  "s/step", "steps", "epoch end s", "evaluation", "in all");
  double sum = 0.0;
  double from_random = 0.0;
  double source = 0.0;
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    if (selected && !selected->contains(i)) continue;
    const TrialEstimate& e = estimates[i];
    table += fmt::format("{:>4}  {:<{}}  {:>10.4f}  {:>8}  {:>11.2f}  {:>11}  {:>12}\n", i + 1,
                         plan.trials[i].name, width, e.step_seconds, e.steps, e.epoch_end_seconds,
                         format_duration(e.evaluation_seconds), format_duration(e.seconds));
    (plan.source == i ? source : sum) += e.seconds;
    if (plan.source != i && plan.trials[i].init == "random") from_random += e.seconds;
  }
  table += fmt::format("In all {} on this machine, one trial at a time", format_duration(sum));
  if (from_random < sum)
    table += fmt::format(", {} of it from random weights", format_duration(from_random));
  if (source > 0) table += fmt::format("; {} more for the source run", format_duration(source));
  return table + ".\n";
}

std::string slurm_script(const StudyPlan& plan, const Selection& selected,
                         const std::string& command_line) {
  return fmt::format(
      "#!/bin/bash\n"
      "#SBATCH --job-name=simclr-study\n"
      "#SBATCH --array={}\n"
      "#SBATCH --cpus-per-task=2\n"
      "#SBATCH --signal=B:USR1@120   # two minutes before the limit: the trial saves and leaves\n"
      "#SBATCH --requeue\n"
      "# Set --time, --partition and --mem as your cluster wants them. Trials that are done are\n"
      "# kept, so that the array may be submitted again.\n"
      "{} --trials \"$SLURM_ARRAY_TASK_ID\" --threads \"$SLURM_CPUS_PER_TASK\" &\n"
      "pid=$!\n"
      "trap 'kill -USR1 $pid' USR1\n"
      "wait $pid; code=$?\n"
      "while kill -0 $pid 2>/dev/null; do wait $pid; code=$?; done\n"
      "if [ $code -eq 75 ]; then scontrol requeue \"$SLURM_JOB_ID\"; fi\n"
      "exit $code\n",
      numbers_of(selected, plan.trials.size()),
      without(command_line, {"--emit", "--only", "--threads"}));
}

}  // namespace simclr::cli
