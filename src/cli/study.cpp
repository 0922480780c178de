#include "simclr/study/study.h"

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/settings_flags.h"
#include "cli/short_waits.h"
#include "simclr/report/study_report.h"

namespace simclr::cli {
namespace {

struct StudyCommand {
  explicit StudyCommand(CLI::App& command)
      : settings(command, {"data", "augment", "model", "loss", "optim", "train", "run", "knn",
                           "linear", "finetune"}) {}

  SettingsFlags settings;
  StudyOptions options;
};

ExitCode run(StudyCommand& command) {
  StudyOptions& options = command.options;
  options.base = command.settings.resolve();
  catch_signals();
  options.stop = interrupted;
  ConsoleSink console;
  const StudyResult result = run_study(options, console);
  if (result.interrupted) {
    console.message("Stopped; everything is saved. Go on with the same command and --resume.");
    return ExitCode::kStopped;
  }
  std::vector<StudyArm> arms;
  ExitCode code = ExitCode::kOk;
  for (const StudyTrial& trial : result.trials) {
    arms.push_back({trial.value, trial.run, trial.failure});
    if (!trial.failure.empty()) code = ExitCode::kDiverged;
  }
  fmt::print("{}", write_study_report(options.out, options.setting, arms));
  return code;
}

}  // namespace

void add_study(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("study", "one setting, a list of values: pretrain, evaluate, compare");
  const auto state = std::make_shared<StudyCommand>(*command);
  command->add_option("--setting", state->options.setting, "the setting that differs")
      ->required()
      ->type_name("NAME");
  command->add_option("--values", state->options.values, "its values, separated by commas")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,...");
  command->add_option("--out", state->options.out, "folder of the study")
      ->required()
      ->type_name("DIR");
  command->add_flag("--resume", state->options.resume, "go on with the study in --out");
  command->add_flag("--overwrite", state->options.overwrite, "replace the arms in --out")
      ->excludes("--resume");
  command->footer(R"(Examples:
  simclr study --setting temperature --values 0.1,0.5,1.0 --preset quick --out studies/temperature
  simclr study --setting head --values none,mlp,mlp-bn --preset quick --out studies/head)");
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    state->options.command = context.command_line;
    context.result = run(*state);
  });
}

}  // namespace simclr::cli
