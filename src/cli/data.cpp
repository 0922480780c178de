#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/data_get.h"
#include "cli/data_report.h"
#include "cli/settings_flags.h"
#include "simclr/core/text.h"
#include "simclr/data/open.h"

namespace simclr::cli {
namespace {

struct DataCommand {
  explicit DataCommand(CLI::App& command) : settings(command, {"data"}) {}

  SettingsFlags settings;
  bool json = false;
};

ExitCode stats(const DataCommand& command) {
  ConsoleSink console;
  const DataSplits data = open_data(command.settings.resolve().data, console);
  if (!data.skipped.empty()) {
    console.message(fmt::format("{} of {} files skipped; `simclr data verify` lists them",
                                with_commas(data.skipped.size()), with_commas(data.files)));
  }
  const Json parts = describe_parts(data, console);
  fmt::print("{}", command.json ? parts.dump(2) + "\n" : parts_table(parts));
  return ExitCode::kOk;
}

ExitCode verify(const DataCommand& command) {
  ConsoleSink console;
  DataSettings settings = command.settings.resolve().data;
  settings.strict = false;  // all of the damaged files are wanted, not the first
  const DataSource source = open_source(settings, console, /*read_again=*/true);
  const Json found = describe_source(source, settings.source, console);
  fmt::print("{}", command.json ? found.dump(2) + "\n" : source_table(found));
  return source.skipped.empty() ? ExitCode::kOk : ExitCode::kData;
}

ExitCode split(const DataCommand& command) {
  ConsoleSink console;
  const DataSplits data = open_data(command.settings.resolve().data, console);
  fmt::print("{}\n", Json{{"train", data.train->indices()},
                          {"validation", data.validation->indices()},
                          {"test", data.test->indices()}}
                         .dump());
  return ExitCode::kOk;
}

void add(CLI::App& parent, Context& context, const std::string& name, const char* about,
         ExitCode (*run)(const DataCommand&)) {
  CLI::App* command = parent.add_subcommand(name, about);
  const auto state = std::make_shared<DataCommand>(*command);
  if (run != split) command->add_flag("--json", state->json, "print as JSON");
  command->callback([state, &context, run] { context.result = run(*state); });
}

}  // namespace

void add_data(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("data", "check and measure images");
  command->require_subcommand(1);
  add(*command, context, "stats", "images per class, sizes, mean and deviation of each part",
      stats);
  add(*command, context, "split",
      "which images train, validate and test, by their position, as JSON", split);
  add(*command, context, "verify",
      "read every file anew: sizes, duplicates, damaged files; exit code 3 if there are any",
      verify);
  add_data_get(*command);
  command->footer(R"(Examples:
  simclr data get cifar10
  simclr data verify --data photos
  simclr data verify --data cifar-10-binary.tar.gz
  simclr data stats --data photos.zip --json
  simclr data split --preset seed --data cifar-10-batches-bin)");
}

}  // namespace simclr::cli
