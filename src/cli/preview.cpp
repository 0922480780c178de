#include "simclr/report/preview.h"

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/settings_flags.h"
#include "simclr/data/open.h"

namespace simclr::cli {
namespace {

struct PreviewCommand {
  explicit PreviewCommand(CLI::App& command) : settings(command, {"data", "augment"}) {}

  SettingsFlags settings;
  PreviewOptions options;
  bool operations = false;
  std::string out = "preview.png";
};

void run(const PreviewCommand& command) {
  const Settings settings = command.settings.resolve();
  ConsoleSink console;
  const DataSplits data = open_data(settings.data, console);
  PreviewOptions options = command.options;
  options.side = data.image_size;
  if (command.operations) {
    write_operations(*data.train, settings.augment, options, command.out);
    fmt::print("{}: a row per operation and named pipeline, the original first, then {} views\n",
               command.out, options.views);
    return;
  }
  write_preview(*data.train, data.class_names, settings.augment, options, command.out);
  fmt::print("{}: a row per image, the original first, then {} views\n", command.out,
             options.views);
}

}  // namespace

void add_preview(CLI::App& app, Context& /*context*/) {
  CLI::App* command = app.add_subcommand("preview", "draw images and their views as a PNG");
  const auto state = std::make_shared<PreviewCommand>(*command);
  command->add_option("--out", state->out, "the PNG")->type_name("FILE")->capture_default_str();
  command->add_option("--images", state->options.images, "rows")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--views", state->options.views, "views per row")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_flag("--operations", state->operations,
                    "a row for every operation alone and every named pipeline, on one image");
  command->add_option("--seed", state->options.seed, "key of the views")->capture_default_str();
  command->footer(R"(Examples:
  simclr preview
  simclr preview --operations
  simclr preview --data cifar-10-binary.tar.gz --preset seed --out views.png)");
  command->callback([state] { run(*state); });
}

}  // namespace simclr::cli
