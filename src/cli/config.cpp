#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/settings_flags.h"

namespace simclr::cli {
namespace {

const std::vector<std::string> kAllSections{"data",    "augment", "model",  "loss",
                                            "optim",   "train",   "run",    "save",
                                            "monitor", "knn",     "linear", "finetune"};

/// A '|' would end the cell.
std::string markdown_cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

void explain_fields(const std::vector<const Field*>& fields, bool markdown) {
  if (markdown)
    fmt::print("| setting | flag | default | allowed | meaning |\n|---|---|---|---|---|\n");
  for (const Field* field : fields) {
    const std::string preset = field->get(Settings{});
    if (markdown) {
      fmt::print("| `{}` | `--{}` | {} | {} | {} |\n", field->key(), field->flag, preset,
                 markdown_cell(field->values), markdown_cell(field->help));
    } else {
      fmt::print("{}  (--{})\n    {}\n    default {}; {}\n", field->key(), field->flag, field->help,
                 preset, field->values);
    }
  }
}

void explain_pipelines(bool markdown) {
  fmt::print("\n{}Named pipelines: {}.\n", markdown ? "## Pipelines\n\n" : "",
             fmt::join(pipeline_names(), ", "));
  fmt::print(
      "Operations of a pipeline, crops first, then the flip, then the others in any order:\n\n");
  if (markdown)
    fmt::print("| operation | parameter | default | allowed | meaning |\n|---|---|---|---|---|\n");
  for (const ParameterText& line : pipeline_parameters()) {
    if (markdown) {
      fmt::print("| `{}` | `{}` | {} | {} | {} |\n", line.operation, line.name, line.preset,
                 line.values, line.help);
    } else {
      fmt::print("  {:<24} default {}; {}: {}\n", line.operation + "." + line.name, line.preset,
                 line.values, line.help);
    }
  }
}

void explain(const std::vector<std::string>& names, bool markdown) {
  std::vector<const Field*> fields;
  for (const std::string& name : names) fields.push_back(&find_field(name));
  if (names.empty()) {
    for (const Field& field : all_fields()) fields.push_back(&field);
  }
  explain_fields(fields, markdown);
  if (names.empty()) explain_pipelines(markdown);
}

void show(const SettingsFlags& flags, const std::string& run) {
  const SettingsBuilder builder = flags.build(run.empty() ? "" : run + "/config.yaml");
  const Settings settings = builder.resolve();
  std::string section;
  for (const Field& field : all_fields()) {
    if (field.section != section) fmt::print("{}:\n", section = field.section);
    const std::string value =
        field.values == "text" ? fmt::format("\"{}\"", field.get(settings)) : field.get(settings);
    fmt::print("  {:<34} # {}\n", field.name + ": " + value, builder.origin(field));
  }
}

}  // namespace

void add_config(CLI::App& app, Context& /*context*/) {
  CLI::App* command =
      app.add_subcommand("config", "settings: what there is, and what a command would use");
  command->require_subcommand(1);
  command->footer(R"(Examples:
  simclr config explain
  simclr config explain temperature batch_size
  simclr config show --preset seed --epochs 10)");

  CLI::App* explain_command =
      command->add_subcommand("explain", "every setting: meaning, default, range");
  const auto names = std::make_shared<std::vector<std::string>>();
  const auto markdown = std::make_shared<bool>(false);
  explain_command->add_option("names", *names, "only these settings")->type_name("NAME");
  explain_command->add_flag("--markdown", *markdown, "as the table of docs/settings.md");
  explain_command->callback([names, markdown] { explain(*names, *markdown); });

  CLI::App* show_command =
      command->add_subcommand("show", "the settings as YAML, each with where it came from");
  const auto flags = std::make_shared<SettingsFlags>(*show_command, kAllSections);
  const auto run = std::make_shared<std::string>();
  show_command->add_option("--run", *run, "start from this run's settings")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  show_command->footer("Example:\n  simclr config show --preset seed --epochs 10");
  show_command->callback([flags, run] { show(*flags, *run); });
}

}  // namespace simclr::cli
