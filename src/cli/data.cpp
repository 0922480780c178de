#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/settings_flags.h"
#include "simclr/data/open.h"
#include "simclr/data/statistics.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;

struct DataCommand {
  explicit DataCommand(CLI::App& command) : settings(command, {"data"}) {}

  SettingsFlags settings;
  bool json = false;
};

Json describe(const std::string& part, const Dataset& dataset,
              const std::vector<std::string>& class_names) {
  const DataStatistics statistics = measure(dataset, class_names.size());
  Json classes = Json::object();
  for (std::size_t c = 0; c < class_names.size(); ++c)
    classes[class_names[c]] = statistics.images_per_class[c];
  return {{"part", part},
          {"images", dataset.size()},
          {"mean", statistics.mean},
          {"deviation", statistics.deviation},
          {"classes", classes}};
}

void print_table(const Json& parts, int side) {
  for (const Json& part : parts) {
    const auto mean = part["mean"].get<std::vector<double>>();
    const auto deviation = part["deviation"].get<std::vector<double>>();
    fmt::print("{}: {} images of {}x{}, mean {:.4f}, deviation {:.4f} (R, G, B)\n",
               part["part"].get<std::string>(), part["images"].get<std::size_t>(), side, side,
               fmt::join(mean, " "), fmt::join(deviation, " "));
    std::string classes;
    for (const auto& [name, count] : part["classes"].items()) {
      classes +=
          fmt::format("{}{} {}", classes.empty() ? "  " : ", ", name, count.get<std::int64_t>());
    }
    fmt::print("{}\n", classes);
  }
}

void stats(const DataCommand& command) {
  const DataSplits data = open_data(command.settings.resolve().data);
  const Json parts = Json::array({describe("train", *data.train, data.class_names),
                                  describe("validation", *data.validation, data.class_names),
                                  describe("test", *data.test, data.class_names)});
  if (command.json) {
    fmt::print("{}\n", parts.dump(2));
  } else {
    print_table(parts, data.image_size);
  }
}

void verify(const DataCommand& command) {
  const Settings settings = command.settings.resolve();
  const DataSource source = open_source(settings.data);
  const Json result{{"source", settings.data.source},
                    {"train", source.train->size()},
                    {"test", source.test->size()},
                    {"classes", source.class_names.size()}};
  if (command.json) {
    fmt::print("{}\n", result.dump());
  } else {
    fmt::print("{}: whole; {} training and {} test images of {} classes\n", settings.data.source,
               source.train->size(), source.test->size(), source.class_names.size());
  }
}

void split(const DataCommand& command) {
  const DataSplits data = open_data(command.settings.resolve().data);
  fmt::print("{}\n", Json{{"train", data.train->indices()},
                          {"validation", data.validation->indices()},
                          {"test", data.test->indices()}}
                         .dump());
}

void add(CLI::App& parent, const std::string& name, const char* about,
         void (*run)(const DataCommand&)) {
  CLI::App* command = parent.add_subcommand(name, about);
  const auto state = std::make_shared<DataCommand>(*command);
  if (run != split) command->add_flag("--json", state->json, "print as JSON");
  command->callback([state, run] { run(*state); });
}

}  // namespace

void add_data(CLI::App& app, Context& /*context*/) {
  CLI::App* command = app.add_subcommand("data", "check and measure images");
  command->require_subcommand(1);
  add(*command, "stats", "images per class, mean and deviation of each part", stats);
  add(*command, "split", "which images train, validate and test, by their position, as JSON",
      split);
  add(*command, "verify", "read every file and check that it is whole", verify);
  command->footer(R"(Examples:
  simclr data verify --data cifar-10-binary.tar.gz
  simclr data stats --data cifar-10-batches-bin --train-percent 0.2 --json
  simclr data split --preset seed --data cifar-10-batches-bin)");
}

}  // namespace simclr::cli
