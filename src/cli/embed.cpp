#include "simclr/eval/embed.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/settings_flags.h"
#include "cli/short_waits.h"
#include "cli/weights_place.h"
#include "simclr/eval/run_encoder.h"

namespace simclr::cli {
namespace {

struct EmbedCommand {
  explicit EmbedCommand(CLI::App& command) : settings(command, {"data", "run"}) {}

  SettingsFlags settings;
  EncoderFlags encoder;
  std::filesystem::path run;
  EmbedPlan plan;
  std::string line;  ///< as typed
  std::string on = "features";
  bool json = false;
};

ExitCode run(EmbedCommand& command) {
  for (const char* key :
       {"data.subset_classes", "data.train_percent", "data.train_rest", "data.validation_percent"})
    command.settings.refuse(key, "embed takes every image of --data");
  command.settings.refuse("run.precision", "vectors are computed in f32");
  auto [options, settings] =
      choose_encoder(command.encoder, command.run, command.settings, command.line);
  find_field("eval.on").set(settings, command.on);
  ConsoleSink console;
  RunEncoder encoder = load_run_encoder(options, settings, console);
  const DataSource source = open_source(settings.data, console);
  if (settings.data.image_size == 0) {
    settings.data.image_size = options.run.empty()
                                   ? source.image_size  // load_run_encoder has said so
                                   : trained_side(RunFolder::open(options.run), settings, console);
  }
  command.plan.normalization = settings.augment.normalization;
  command.plan.workers = settings.run.workers;
  command.plan.about =
      fmt::format("{} of {}, epoch {}, of {}; engine {}, convolutions {}", command.on,
                  encoder.checkpoint, encoder.epoch, settings.data.source,
                  name_of(settings.model.engine), name_of(settings.model.conv));
  catch_signals();
  command.plan.stop = interrupted;
  const EmbedResult result =
      embed_images(embedding_of(encoder.model, settings.eval.on,
                                static_cast<int>(settings.data.image_size), "encoder"),
                   every_image(source), command.plan, console);
  if (result.interrupted) {
    console.message("Stopped; what is done is kept. The same command goes on.");
    return ExitCode::kStopped;
  }
  const std::string file = (command.plan.out / "embeddings.npy").string();
  if (command.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"file", file},
                                              {"images", result.images},
                                              {"width", result.width},
                                              {"kept", result.kept}}
                           .dump());
  } else {
    fmt::print("{}: f32 [{}, {}]; names in embeddings.csv\n", file, result.images, result.width);
  }
  return ExitCode::kOk;
}

}  // namespace

void add_embed(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "embed",
      "a run's encoder on any images: embeddings.npy, and embeddings.csv with their names");
  const auto state = std::make_shared<EmbedCommand>(*command);
  command->add_option("--run", state->run, "folder of the run whose encoder it is")
      ->type_name("DIR");
  command->add_option("--out", state->plan.out, "folder of the files")
      ->required()
      ->type_name("DIR");
  state->encoder.add_to(*command);
  command->add_option("--on", state->on, "features (before the head), or projection (after it)")
      ->check(CLI::IsMember({"features", "projection"}))
      ->capture_default_str();
  command->add_flag("--overwrite", state->plan.overwrite, "replace vectors that are in --out");
  command->add_flag("--json", state->json, "print as JSON");
  command->footer(R"(Examples:
  simclr embed --run runs/a --data photos/ --out vectors
  simclr embed --run runs/a --out vectors --on projection
  simclr embed --weights encoder.safetensors --data photos/ --out vectors

Stopped or killed, the same command goes on where it was.)");
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    state->line = context.command_line;
    context.result = run(*state);
  });
}

}  // namespace simclr::cli
