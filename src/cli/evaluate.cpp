#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/result_table.h"
#include "cli/settings_flags.h"
#include "cli/short_waits.h"
#include "cli/weights_place.h"
#include "simclr/eval/evaluate_run.h"
#include "simclr/report/run_report.h"

namespace simclr::cli {
namespace {

struct EvaluateCommand {
  EvaluateCommand(CLI::App& command, Protocol which)
      : settings(command, {std::string(name_of(which)), "data", "run", "eval"}), protocol(which) {}

  SettingsFlags settings;
  Protocol protocol;
  EncoderFlags encoder;
  std::string line;               ///< as typed
  std::vector<std::string> runs;  ///< may be empty with --weights
  bool no_pixels = false;
  bool json = false;
};

EvaluationPair evaluate(const EvaluateCommand& command, const std::string& folder,
                        ConsoleSink& console) {
  const auto [encoder, settings] =
      choose_encoder(command.encoder, folder, command.settings, command.line);
  const EvaluationOptions options{encoder, settings, command.line, !command.no_pixels};
  EvaluationPair pair = RunEvaluator(options, console).evaluate(command.protocol);
  const std::string note =
      folder.empty() ? "Nothing was kept: with --run DIR as well, DIR has the results and a report."
                     : write_run_report(folder);
  if (!note.empty()) console.message(note);
  return pair;
}

void run(EvaluateCommand& command) {
  ConsoleSink console;
  std::vector<EvaluationPair> pairs;
  if (command.runs.empty()) command.runs.emplace_back();
  for (const std::string& folder : command.runs)
    pairs.push_back(evaluate(command, folder, console));
  if (command.json) {
    fmt::print("{}", result_json(pairs));
  } else if (pairs.size() == 1) {
    fmt::print("{}", result_table(pairs));
  } else {
    fmt::print("{}", runs_table(pairs, command.runs));
  }
}

void add_evaluation(CLI::App& app, Context& context, Protocol protocol, const char* about,
                    const char* examples) {
  CLI::App* command = app.add_subcommand(std::string(name_of(protocol)), about);
  const auto state = std::make_shared<EvaluateCommand>(*command, protocol);
  command
      ->add_option("--run", state->runs,
                   "folder of the run to score; given several times: their mean and deviation, too")
      ->allow_extra_args(false)
      ->type_name("DIR");
  state->encoder.add_to(*command);
  command->add_flag("--no-pixels", state->no_pixels, "leave out the raw pixels");
  command->add_flag("--json", state->json, "print the results as JSON");
  command->footer(examples);
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    state->line = context.command_line;
    run(*state);
  });
}

}  // namespace

void add_evaluations(CLI::App& app, Context& context) {
  add_evaluation(app, context, Protocol::kKnn,
                 "score a run's encoder by its nearest neighbours, beside a random one",
                 R"(Examples:
  simclr knn --run runs/a
  simclr knn --run runs/seed-0 --run runs/seed-1 --run runs/seed-2
  simclr knn --run runs/a --seeds 3 --on projection
  simclr knn --weights encoder.safetensors                 an encoder from a file alone
  simclr knn --weights resnet18-f37072fd.pth --data cifar10 augment.normalization=imagenet
  simclr knn --run runs/a --k 20 --temperature 0.07 --json)");
  add_evaluation(app, context, Protocol::kLinear,
                 "linear evaluation of a run's frozen encoder, beside a random one",
                 R"(Examples:
  simclr linear --run runs/a
  simclr linear --run runs/a --protocol sgd --epochs 30
  simclr linear --run runs/a --checkpoint last --json
  simclr linear --weights encoder.safetensors --data cifar10 --run runs/scores   kept in a run of its own)");
  add_evaluation(
      app, context, Protocol::kFinetune,
      "train with labels: a new Linear(F, classes) head on a run's frozen encoder, or the "
      "whole network; beside a random one",
      R"(Examples:
  simclr finetune --run runs/a --freeze encoder
  simclr finetune --run runs/a --freeze none --labels 10% --seeds 3
  simclr finetune --run runs/a --epochs 20 --views crop-flip)");
}

}  // namespace simclr::cli
