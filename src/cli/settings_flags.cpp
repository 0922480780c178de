#include "cli/settings_flags.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/data/cache_folder.h"

namespace simclr::cli {
namespace {

constexpr std::string_view kPrefix = "SIMCLR_";
// Variables that are not settings: where caches live, and what the build scripts read.
constexpr std::array kReserved{"SIMCLR_HOME", "SIMCLR_LIBTORCH", "SIMCLR_PIP_ARGS"};

/// Where decoded pictures are kept unless something else is said; "" where there is no home.
std::string usual_cache() {
  try {
    return (cache_folder() / "images").string();
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

SettingsFlags::SettingsFlags(CLI::App& command, const std::vector<std::string>& sections) {
  command
      .add_option("--preset", presets_,
                  fmt::format("settings to start from: {}", fmt::join(preset_names(), ", ")))
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option("--config", config_files_,
                  "YAML file of settings, over the preset; more than one is layered")
      ->type_name("FILE")
      ->allow_extra_args(false);
  for (const std::string& section : sections) {
    for (const Field& field : all_fields())
      if (field.section == section) add_flag(command, field);
  }
  command.add_option("overrides", overrides_, "any setting as key=value (train.epochs=10)")
      ->type_name("KEY=VALUE");
}

void SettingsFlags::add_flag(CLI::App& command, const Field& field) {
  std::string flag = field.flag;
  if (command.get_name() == field.section && flag.starts_with(field.section + "-")) {
    flag = flag.substr(field.section.size() + 1);
  }
  flag_of_[field.key()] = "--" + flag;
  // The first section has it: `--labels` of finetune. The other's is set by key=value.
  if (command.get_option_no_throw("--" + flag) != nullptr) return;
  const std::string key = field.key();
  const bool yes_or_no = field.values == "true | false";  // `--strict` alone says yes
  command
      .add_option_function<std::string>(
          "--" + flag,
          [this, key, yes_or_no](const std::string& value) {
            given_[key] = yes_or_no && value.empty() ? "true" : value;
          },
          fmt::format("{}. {}; default {}", field.help, field.values, field.get(Settings{})))
      ->type_name("VALUE")
      ->expected(yes_or_no ? 0 : 1, 1)
      ->group(fmt::format("Settings: {}", field.section));
}

void SettingsFlags::apply_environment(SettingsBuilder& builder) const {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    const std::string name(text.substr(0, equals));
    const bool reserved = std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
    if (!name.starts_with(kPrefix) || equals == std::string_view::npos || reserved) continue;
    const std::string setting = lower_case(name.substr(kPrefix.size()));
    try {
      if (flag_of_.contains(find_field(setting).key())) {
        builder.set(setting, text.substr(equals + 1), name);
      }
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("environment variable {}: {}", name, error.what()),
                  error.hint());
    }
  }
}

SettingsBuilder SettingsFlags::build(const std::string& base_config) const {
  SettingsBuilder builder;
  if (!base_config.empty()) builder.apply_yaml(read_file(base_config), base_config);
  if (presets_.empty() && base_config.empty() && !default_preset_.empty())
    builder.apply_preset(default_preset_);
  return build_over(std::move(builder));
}

SettingsBuilder SettingsFlags::build_over(SettingsBuilder builder) const {
  for (const std::string& preset : presets_) builder.apply_preset(preset);
  for (const std::string& file : config_files_) {
    if (!std::filesystem::is_regular_file(file)) {
      throw Error(ExitCode::kUsage, fmt::format("--config {}: no such file", file));
    }
    builder.apply_yaml(read_file(file), file);
  }
  apply_environment(builder);
  for (const auto& [key, value] : given_) builder.set(key, value, flag_of_.at(key));
  for (const std::string& text : overrides_) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      throw Error(ExitCode::kUsage, fmt::format("'{}' is not understood here", text),
                  "Settings are --name VALUE or key=value; see --help.");
    }
    builder.set(text.substr(0, equals), text.substr(equals + 1), text);
  }
  return builder;
}

void SettingsFlags::refuse(const std::string& key, const std::string& why) const {
  const bool overridden =
      std::any_of(overrides_.begin(), overrides_.end(), [&](const std::string& text) {
        const std::size_t equals = text.find('=');
        return equals != std::string::npos && find_field(text.substr(0, equals)).key() == key;
      });
  if (!overridden && !given_.contains(key)) return;
  const std::string& name = given_.contains(key) ? flag_of_.at(key) : key;
  throw Error(ExitCode::kUsage, fmt::format("{} has no effect here: {}", name, why),
              "Leave it out.");
}

std::vector<std::string> SettingsFlags::take_words() {
  std::vector<std::string> words;
  std::erase_if(overrides_, [&](const std::string& text) {
    if (text.find('=') != std::string::npos) return false;
    words.push_back(text);
    return true;
  });
  return words;
}

Settings SettingsFlags::resolve(const std::string& base_config) const {
  return resolve(build(base_config));
}

Settings SettingsFlags::resolve(const SettingsBuilder& builder) const {
  Settings settings = builder.resolve();
  if (builder.origin(find_field("data.cache")) == "default") settings.data.cache = usual_cache();
  if (!settings.data.cache.empty())
    settings.data.cache = std::filesystem::absolute(settings.data.cache).string();
  if (std::filesystem::exists(settings.data.source)) {
    // A link that gives a path another name stays, where YAML cannot hold the path itself.
    const std::string real = std::filesystem::canonical(settings.data.source).string();
    settings.data.source =
        is_utf8(real) ? real : std::filesystem::absolute(settings.data.source).string();
  }
  return settings;
}

}  // namespace simclr::cli
