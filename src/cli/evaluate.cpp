#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/result_table.h"
#include "cli/settings_flags.h"
#include "cli/short_waits.h"
#include "cli/weights_place.h"
#include "simclr/core/error.h"
#include "simclr/eval/evaluate_run.h"
#include "simclr/report/run_report.h"
#include "simclr/train/training_images.h"

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

/// Settings of the protocol that were typed and would change nothing.
void refuse_idle_settings(const EvaluateCommand& command, const Settings& settings) {
  const SettingsFlags& typed = command.settings;
  typed.refuse("run.precision", "encoders are scored in f32");
  if (command.protocol == Protocol::kLinear) {
    const bool sgd = settings.linear.protocol == LinearProtocol::kSgd;
    if (sgd) typed.refuse("linear.iterations", "it is L-BFGS's (--protocol lbfgs)");
    for (const char* key : {"linear.epochs", "linear.batch_size"})
      if (!sgd) typed.refuse(key, "L-BFGS takes all images at once (--protocol sgd has epochs)");
  }
  if (command.protocol == Protocol::kFinetune && settings.finetune.freeze == Freeze::kNone)
    typed.refuse("eval.on", "a whole network is trained from its features on (--freeze none)");
}

/// A mean over runs says something only of one protocol.
void require_one_protocol(const EvaluateCommand& command,
                          const std::vector<ChosenEncoder>& chosen) {
  for (std::size_t i = 1; i < chosen.size(); ++i) {
    for (const std::string& key : differing_keys(chosen.front().settings, chosen[i].settings)) {
      const Field& field = find_field(key);
      if (field.section != name_of(command.protocol) && field.section != "eval") continue;
      throw Error(ExitCode::kUsage,
                  fmt::format("{} is {} in {} and {} in {}: their mean would say nothing", key,
                              field.get(chosen.front().settings), command.runs.front(),
                              field.get(chosen[i].settings), command.runs[i]),
                  fmt::format("Give one for all ({}=VALUE), or score them one by one.", key));
    }
  }
}

/// Likewise of the same test images.
void require_one_test_part(const EvaluateCommand& command,
                           const std::vector<EvaluationPair>& pairs) {
  const auto images = [](const EvaluationPair& pair) {
    return nlohmann::json::parse(pair.trained.json).at("test_sha256").get<std::string>();
  };
  if (images(pairs.front()) == images(pairs.back())) return;
  throw Error(ExitCode::kUsage,
              fmt::format("{} and {} have other test images: their mean would say nothing",
                          command.runs.front(), command.runs[pairs.size() - 1]),
              "Give one --data for all, or score them one by one. What was scored is kept in each "
              "run's results.jsonl.");
}

/// Where no side is set, images of other data are shown at the side that the encoder learned from.
void keep_side(const std::string& folder, ChosenEncoder& chosen, ConsoleSink& console) {
  Settings& settings = chosen.settings;
  if (folder.empty() || !chosen.options.weights.empty() || settings.data.image_size > 0) return;
  const RunFolder run = RunFolder::open(folder);
  const auto side = recorded_side(run);
  if (!side || settings.data.source == run.settings().data.source) return;
  settings.data.image_size = *side;
  console.message(fmt::format("Images are shown at {0}x{0}, as in training (--image-size).",
                              settings.data.image_size));
}

EvaluationPair evaluate(const EvaluateCommand& command, const std::string& folder,
                        ChosenEncoder chosen, ConsoleSink& console) {
  keep_side(folder, chosen, console);
  const EvaluationOptions options{chosen.options, chosen.settings, command.line,
                                  !command.no_pixels};
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
  std::vector<ChosenEncoder> chosen;
  for (const std::string& folder : command.runs) {
    chosen.push_back(choose_encoder(command.encoder, folder, command.settings, command.line));
    refuse_idle_settings(command, chosen.back().settings);
  }
  require_one_protocol(command, chosen);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    pairs.push_back(evaluate(command, command.runs[i], chosen[i], console));
    require_one_test_part(command, pairs);
  }
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
