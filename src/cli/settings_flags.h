#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "simclr/config/schema.h"

namespace simclr::cli {

/// The settings of a command: its flags (--epochs 10), presets, YAML files, SIMCLR_* variables and
/// key=value overrides, put together in this order: run's own config.yaml < presets < files <
/// environment < flags and overrides.
class SettingsFlags {
 public:
  /// Adds flags for the fields of `sections` to `command`. In the command named like a section,
  /// that section's flags go by their bare names (`simclr finetune --epochs`). Where two sections
  /// have one flag, it is the section's that is named first.
  SettingsFlags(CLI::App& command, const std::vector<std::string>& sections);
  SettingsFlags(const SettingsFlags&) = delete;
  SettingsFlags& operator=(const SettingsFlags&) = delete;

  void set_default_preset(const std::string& name) { default_preset_ = name; }

  /// @param base_config  a run's config.yaml to start from, or ""  @throws Error(kUsage)
  SettingsBuilder build(const std::string& base_config = "") const;
  /// The same over settings that are there already.
  SettingsBuilder build_over(SettingsBuilder builder) const;
  /// build(base_config).resolve(), the data's path made absolute so that the run finds it from
  /// anywhere, and pictures cached in the program's cache folder unless something else is said.
  Settings resolve(const std::string& base_config = "") const;
  Settings resolve(const SettingsBuilder& builder) const;
  /// @throws Error(kUsage) with the reason `why` if `key` was typed, as a flag or as key=value:
  /// better than a setting without effect
  void refuse(const std::string& key, const std::string& why) const;
  /// Words given beside the flags that are no key=value: a command's own arguments. Taken out, so
  /// that what is left are settings.
  std::vector<std::string> take_words();

 private:
  void add_flag(CLI::App& command, const Field& field);
  void apply_environment(SettingsBuilder& builder) const;

  std::map<std::string, std::string> given_;  ///< key -> value
  std::map<std::string, std::string> flag_of_;
  std::vector<std::string> overrides_;
  std::vector<std::string> presets_;
  std::vector<std::string> config_files_;
  std::string default_preset_;
};

}  // namespace simclr::cli
