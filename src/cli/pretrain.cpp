#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/settings_flags.h"
#include "cli/short_waits.h"
#include "cli/weights_place.h"
#include "simclr/core/error.h"
#include "simclr/report/run_report.h"
#include "simclr/train/pretrain.h"
#include "simclr/train/run_folder.h"

namespace simclr::cli {
namespace {

struct PretrainCommand {
  explicit PretrainCommand(CLI::App& command)
      : settings(command,
                 {"data", "augment", "model", "loss", "optim", "train", "run", "save", "monitor"}) {
  }

  SettingsFlags settings;
  PretrainOptions options;
  std::string init;
  bool dry_run = false;
  bool json = false;
};

/// A run has its number of epochs once the time was measured.
void check_budget(const PretrainOptions& options) {
  const double asked = options.settings.train.time_budget.seconds;
  if (asked == 0.0 || RunFolder::open(options.out).settings().train.time_budget.seconds > 0.0)
    return;
  throw Error(ExitCode::kUsage, "--time-budget is for a new run",
              "With --resume give the number of --epochs, or leave it as it is.");
}

/// Says so where a flag was typed that the objective has no use for.
void note_unused(const SettingsBuilder& builder, const Settings& settings, EventSink& sink) {
  if (settings.train.objective != Objective::kSupervised) return;
  for (const char* key : {"loss.kind", "loss.temperature"}) {
    const std::string origin = builder.origin(find_field(key));
    if (origin.starts_with("--"))
      sink.message(fmt::format("Note: {} has no effect: the supervised objective is cross-entropy.",
                               origin));
  }
}

/// The row of the last epoch; one that measured nothing where metrics.jsonl was lost.
EpochMetrics last_row(const PretrainResult& result) {
  if (!result.epochs.empty()) return result.epochs.back();
  EpochMetrics lost;
  lost.train_loss = lost.val_loss = lost.val_accuracy = EpochMetrics::kNotMeasured;
  return lost;
}

void print_result(const PretrainCommand& command, const PretrainResult& result) {
  const EpochMetrics last = last_row(result);
  if (command.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"run", command.options.out.string()},
                                              {"epoch", last.epoch},
                                              {"train_loss", last.train_loss},
                                              {"val_loss", last.val_loss},
                                              {"val_accuracy", last.val_accuracy},
                                              {"best_epoch", result.best_epoch}}
                           .dump());
    return;
  }
  if (result.epochs.empty()) {
    fmt::print("{}: trained already, best at epoch {}; its metrics are lost\n",
               command.options.out.string(), result.best_epoch);
  } else {
    fmt::print("{}: {} epochs, validation loss {:.4f} (best at epoch {})\n",
               command.options.out.string(), last.epoch, last.val_loss, result.best_epoch);
  }
  fmt::print("Next: simclr linear --run {}\n", command.options.out.string());
}

ExitCode run(PretrainCommand& command) {
  PretrainOptions& options = command.options;
  const std::filesystem::path own_config = options.out / "config.yaml";
  const bool goes_on = options.resume && std::filesystem::exists(own_config);
  const SettingsBuilder builder = command.settings.build(goes_on ? own_config.string() : "");
  options.settings = command.settings.resolve(builder);
  if (command.dry_run) {
    fmt::print("{}", to_yaml(options.settings));
    return ExitCode::kOk;
  }
  if (goes_on) check_budget(options);
  if (!command.init.empty()) options.init = find_weights(command.init);
  catch_signals();
  options.stop = interrupted;
  ConsoleSink console;
  note_unused(builder, options.settings, console);
  const PretrainResult result = pretrain(options, console);
  if (result.interrupted) {
    console.message(
        fmt::format("Stopped; everything is saved. Go on with: simclr pretrain --out {} --resume",
                    options.out.string()));
    return ExitCode::kStopped;
  }
  const std::string note = write_run_report(options.out);
  if (!note.empty()) console.message(note);
  print_result(command, result);
  return ExitCode::kOk;
}

}  // namespace

void add_pretrain(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("pretrain", "train an encoder: SimCLR, or supervised as its comparison");
  const auto state = std::make_shared<PretrainCommand>(*command);
  command->add_option("--out", state->options.out, "folder of the run")
      ->required()
      ->type_name("DIR");
  command->add_flag("--resume", state->options.resume, "go on with the run in --out, bit for bit");
  command->add_flag("--overwrite", state->options.overwrite, "replace the run in --out")
      ->excludes("--resume");
  CLI::Option* init =
      command
          ->add_option("--init", state->init,
                       "start from the encoder of this file: a checkpoint, an export, or another "
                       "program's .safetensors or .pth (docs/weights.md)")
          ->type_name("FILE");
  command
      ->add_option(
          "--allow-missing", state->options.allow_missing,
          "tensors that the encoder of --init may lack, by torchvision's names with commas "
          "between (bn1.bias,layer4.*); they start random")
      ->delimiter(',')
      ->type_name("NAMES")
      ->needs(init);
  command->add_flag("--dry-run", state->dry_run, "print the settings that would be used, and stop");
  command->add_flag("--json", state->json, "print the result as JSON");
  command->footer(R"(Examples:
  simclr pretrain --out runs/a                                       built-in images
  simclr pretrain --data cifar-10-binary.tar.gz --preset seed --out runs/b
  simclr pretrain --preset quick --temperature 0.1 --batch-size 64 --out runs/c
  simclr pretrain --out runs/b --resume --epochs 80                  more epochs
  simclr pretrain --init resnet18.pth --out runs/e                   from given weights
  simclr pretrain --objective supervised --out runs/d                the same network with labels)");
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    state->options.command = context.command_line;
    context.result = run(*state);
  });
}

}  // namespace simclr::cli
