#include "simclr/report/preview.h"

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/settings_flags.h"
#include "simclr/data/open.h"

namespace simclr::cli {
namespace {

struct PreviewCommand {
  explicit PreviewCommand(CLI::App& command) : settings(command, {"data", "augment"}) {}

  SettingsFlags settings;
  PreviewOptions options;
  std::string out = "preview.png";
};

void run(const PreviewCommand& command) {
  const Settings settings = command.settings.resolve();
  const DataSplits data = open_data(settings.data);
  write_preview(*data.train, data.class_names, settings.augment, command.options, command.out);
  fmt::print("{}: a row per image, the original first, then {} views\n", command.out,
             command.options.views);
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
  command->add_option("--seed", state->options.seed, "key of the views")->capture_default_str();
  command->footer(R"(Examples:
  simclr preview
  simclr preview --data cifar-10-binary.tar.gz --preset seed --out views.png)");
  command->callback([state] { run(*state); });
}

}  // namespace simclr::cli
