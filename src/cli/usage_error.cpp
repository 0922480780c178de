#include "cli/usage_error.h"

#include <fmt/format.h>

#include <algorithm>

#include "simclr/core/text.h"

namespace simclr::cli {
namespace {

using Names = std::vector<std::string>;

/// The command that the words led to, "bench conv" within "bench".
const CLI::App& command_of(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

/// "simclr bench conv"
std::string name_of(const CLI::App& command) {
  if (command.get_parent() == nullptr) return command.get_name();
  return name_of(*command.get_parent()) + " " + command.get_name();
}

Names commands_of(const CLI::App& app) {
  Names names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

Names flags_of(const CLI::App& command) {
  Names flags;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

/// The first word that looks like a flag of the command and is none; "" if there is none.
std::string unknown_flag(const CLI::App& command, const Names& words) {
  const Names flags = flags_of(command);
  for (const std::string& word : words) {
    const std::string flag = word.substr(0, word.find('='));
    if (flag.starts_with("--") && std::find(flags.begin(), flags.end(), flag) == flags.end())
      return flag;
  }
  return "";
}

}  // namespace

UsageError explain(const CLI::App& app, const Names& words, const CLI::ParseError& error) {
  const CLI::App& command = command_of(app);
  const std::string see = fmt::format("See `{} --help`.", name_of(command));
  const Names commands = commands_of(command);
  const auto wrong = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
    return !word.starts_with('-') && word != command.get_name();
  });
  if (!commands.empty() && wrong != words.end())
    return {
        fmt::format("{} has no command '{}'", name_of(command), printable(*wrong)),
        fmt::format("{}There are: {}.", did_you_mean(*wrong, commands), fmt::join(commands, ", "))};
  if (const std::string flag = unknown_flag(command, words); !flag.empty())
    return {fmt::format("{} has no {}", name_of(command), printable(flag)),
            did_you_mean(flag, flags_of(command)) + see};
  return {error.what(), see};
}

}  // namespace simclr::cli
