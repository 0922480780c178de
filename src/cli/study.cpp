#include "simclr/study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/settings_flags.h"
#include "cli/short_waits.h"
#include "cli/study_plans.h"
#include "cli/weights_place.h"
#include "simclr/core/files.h"
#include "simclr/report/study_report.h"
#include "simclr/study/estimate.h"

namespace simclr::cli {
namespace {

struct StudyCommand {
  explicit StudyCommand(CLI::App& command)
      : settings(command, {"data", "augment", "model", "loss", "optim", "train", "run", "save",
                           "monitor", "knn", "linear", "finetune"}) {}

  SettingsFlags settings;
  std::string setting;
  std::vector<std::string> values;
  std::vector<std::uint64_t> seeds;
  std::string init;
  std::string trials;
  std::string shard;
  std::vector<std::string> only;
  std::string emit;
  bool dry_run = false;
  bool status = false;
  StudyOptions options;
};

StudyPlan plan_of(StudyCommand& command) {
  StudyFile file;
  const std::vector<std::string> words = command.settings.take_words();
  if (words.size() == 1 && command.setting.empty()) {
    if (!std::filesystem::is_regular_file(words[0]))
      throw Error(ExitCode::kUsage, fmt::format("{}: no such file", words[0]),
                  "Give a study file, as configs/study_quick.yaml, or --setting and --values.");
    file = parse_study_file(read_file(words[0]), words[0]);
  } else if (words.empty() && !command.setting.empty() && !command.values.empty()) {
    file = list_study(command.setting, command.values);
  } else {
    throw Error(ExitCode::kUsage, "which study?",
                "Give one study file (simclr study FILE --out DIR), or --setting NAME with "
                "--values A,B,...");
  }
  if (!command.seeds.empty()) {
    file.seeds = command.seeds;
    for (SubStudySpec& sub : file.sub_studies) sub.seeds.clear();
  }
  const Settings base = command.settings.resolve(command.settings.build_over(file.base));
  const std::string init = command.init.empty() ? "" : find_weights(command.init);
  return make_plan(file, base, init);
}

Selection selection_of(const StudyCommand& command, const StudyPlan& plan) {
  Selection selected;
  const auto keep = [&](const std::set<std::size_t>& trials) {
    if (!selected) selected = trials;
    std::erase_if(*selected, [&](std::size_t i) { return !trials.contains(i); });
  };
  if (!command.only.empty()) keep(trials_of(plan, command.only));
  if (!command.trials.empty()) keep(parse_trials(command.trials, plan.trials.size()));
  if (!command.shard.empty()) keep(parse_shard(command.shard, plan.trials.size()));
  return with_source(plan, selected);
}

/// 1 if a trial failed, 4 if those that failed all diverged.
ExitCode exit_code(const StudyResult& result) {
  ExitCode code = ExitCode::kOk;
  for (const TrialState& state : result.states) {
    if (state.stage != TrialStage::kFailed) continue;
    if (!state.diverged) return ExitCode::kFailed;
    code = ExitCode::kDiverged;
  }
  return code;
}

/// Every task of a job array repeats the command, with a trial of its own.
void check_emit(const StudyCommand& command) {
  if (command.options.overwrite)
    throw Error(ExitCode::kUsage, "--emit with --overwrite: each task would begin the study anew",
                "Remove the folder yourself, or choose another --out.");
  if (!command.trials.empty() || !command.shard.empty())
    throw Error(ExitCode::kUsage, "--emit makes a task of each trial: no --trials or --shard",
                "Leave them out; --only NAME emits the trials of a sub-study.");
}

ExitCode run(StudyCommand& command) {
  StudyOptions& options = command.options;
  if (!command.emit.empty()) check_emit(command);
  options.plan = plan_of(command);
  options.selected = selection_of(command, options.plan);
  if (!command.emit.empty()) {
    fmt::print("{}", slurm_script(options.plan, options.selected, options.command));
    return ExitCode::kOk;
  }
  ConsoleSink console;
  if (command.dry_run) {
    fmt::print("{}", estimate_table(options.plan, options.selected,
                                    estimate_study(options.plan, options.selected, console)));
    return ExitCode::kOk;
  }
  if (command.status) {
    const StudyFolder folder = StudyFolder::look(options.out, options.plan);
    fmt::print("{}\n", status_table(options.plan, folder, options.selected));
    return ExitCode::kOk;
  }
  catch_signals();
  options.stop = interrupted;
  const StudyResult result = run_study(options, console);
  if (result.interrupted) {
    console.message("Stopped; everything is saved. Go on with the same command.");
    return ExitCode::kStopped;
  }
  const auto lock = TrialLock::wait_for(StudyFolder::common_lock(options.out));
  fmt::print("{}", write_study_report(options.out));
  return exit_code(result);
}

void add_choice_flags(CLI::App& command, StudyCommand& state) {
  command.add_option("--seeds", state.seeds, "seeds of every trial, in place of the file's")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,...");
  command
      .add_option("--init", state.init,
                  "weights file for arms that start from init: source, in place of a source run")
      ->type_name("FILE");
  command.add_option("--only", state.only, "sub-studies by name, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...");
  command.add_option("--trials", state.trials, "only these trials, as --dry-run numbers them")
      ->type_name("3,5-7");
  command
      .add_option("--shard", state.shard,
                  "only the 2nd of 4 shares of the trials; without it, processes that share --out "
                  "share the trials as they come")
      ->type_name("2/4");
  command.add_flag("--dry-run", state.dry_run,
                   "list the trials with the time that a short measurement predicts, and stop");
  command.add_flag("--status", state.status, "show how far the study in --out is, and stop");
  command.add_option("--emit", state.emit, "print a job array that runs the study, and stop")
      ->check(CLI::IsMember({"slurm"}));
}

}  // namespace

void add_study(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "study", "many settings x seeds from a file, or one setting: pretrain, evaluate, compare");
  const auto state = std::make_shared<StudyCommand>(*command);
  command->add_option("--setting", state->setting, "without a file: the setting that differs")
      ->type_name("NAME");
  command->add_option("--values", state->values, "its values, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,...");
  command
      ->add_option("--out", state->options.out,
                   "folder of the study; if it is there already, the study goes on")
      ->required()
      ->type_name("DIR");
  command->get_option("overrides")
      ->description("a study file, and any settings as key=value (train.epochs=10)")
      ->type_name("FILE|KEY=VALUE");
  add_choice_flags(*command, *state);
  command->add_flag("--overwrite", state->options.overwrite, "begin the study in --out anew");
  command->footer(R"(Examples:
  simclr study configs/study_quick.yaml --out studies/quick
  simclr study configs/seed_study.yaml --data cifar10 --out studies/seed --dry-run
  simclr study configs/seed_study.yaml --data cifar10 --out studies/seed --only temperature --seeds 0,1,2
  simclr study --setting temperature --values 0.1,0.5,1.0 --preset quick --out studies/temperature
  simclr study --setting head --values none,mlp,mlp-bn --preset quick --out studies/head
Started again, the same command goes on where it was. docs/study.md describes study files.)");
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    state->options.command = context.command_line;
    context.result = run(*state);
  });
}

}  // namespace simclr::cli
