#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/result_table.h"
#include "cli/settings_flags.h"
#include "cli/short_waits.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/eval/evaluate_run.h"
#include "simclr/report/preview.h"
#include "simclr/report/run_report.h"
#include "simclr/train/pretrain.h"

namespace simclr::cli {
namespace {

struct DemoCommand {
  explicit DemoCommand(CLI::App& command)
      : settings(command, {"model", "loss", "optim", "train", "run"}) {
    settings.set_default_preset("quick");
  }

  SettingsFlags settings;
  PretrainOptions options;
};

/// Whether the folder has the run of a demo, which the next may replace.
bool has_demo(const std::filesystem::path& folder) {
  const std::filesystem::path typed = folder / "command.txt";
  return std::filesystem::is_regular_file(typed) && read_file(typed).starts_with("simclr demo");
}

ExitCode run(DemoCommand& command) {
  PretrainOptions& options = command.options;
  options.settings = command.settings.resolve();
  options.overwrite = has_demo(options.out);
  if (!options.overwrite && std::filesystem::exists(options.out / "config.yaml")) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} exists, and is no demo's run", options.out.string()),
                "Choose another --out.");
  }
  catch_signals();
  options.stop = interrupted;
  ConsoleSink console;
  console.message(fmt::format("SimCLR on the built-in images, into {}", options.out.string()));
  require_labels(open_data(options.settings.data, console), "the demo");
  if (pretrain(options, console).interrupted) {
    console.message("Stopped. Start again with: simclr demo");
    return ExitCode::kStopped;
  }
  const DataSource data = open_source(options.settings.data);
  write_preview(*data.train, data.class_names, options.settings.augment, PreviewOptions{},
                options.out / "plots/views.png");
  RunEvaluator evaluator({{.run = options.out}, options.settings, options.command}, console);
  std::vector<EvaluationPair> pairs;
  for (const Protocol protocol : {Protocol::kKnn, Protocol::kLinear})
    pairs.push_back(evaluator.evaluate(protocol));
  const std::string note = write_run_report(options.out);
  if (!note.empty()) console.message(note);
  fmt::print(
      "\n{}\nThe encoder learned this from images alone; labels only scored it.\n"
      "Report: {}\nIts views: {}\nNext: simclr pretrain --help\n",
      result_table(pairs), (options.out / "report.md").string(),
      (options.out / "plots/views.png").string());
  return ExitCode::kOk;
}

}  // namespace

void add_demo(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "demo", "pretrain, evaluate and report on the built-in images: under a minute");
  const auto state = std::make_shared<DemoCommand>(*command);
  state->options.out = "runs/demo";
  command
      ->add_option("--out", state->options.out,
                   "folder of the run; an earlier demo there is replaced")
      ->type_name("DIR")
      ->capture_default_str();
  command->footer(R"(Examples:
  simclr demo
  simclr demo --epochs 5 --temperature 0.1 --out runs/short)");
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    state->options.command = context.command_line;
    context.result = run(*state);
  });
}

}  // namespace simclr::cli
