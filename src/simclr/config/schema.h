#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "simclr/config/settings.h"

namespace simclr {

/// One setting as text: what flags, YAML, the environment and `config explain` all go through.
struct Field {
  std::string section;  ///< "train"
  std::string name;     ///< "batch_size"
  std::string flag;     ///< "batch-size"; unique over all fields
  std::string help;     ///< one sentence
  std::string values;   ///< "adam | sgd", ">= 1", "text"
  std::function<std::string(const Settings&)> get;
  std::function<void(Settings&, std::string_view)>
      set;  ///< @throws Error(kUsage): not a number, out of range, ...

  std::string key() const { return section + "." + name; }
};

/// Every setting, in the order of the sections.
const std::vector<Field>& all_fields();

/// By full key ("train.batch_size") or by flag in either spelling ("batch-size", "batch_size").
/// @throws Error(kUsage) with the nearest name if there is none.
const Field& find_field(std::string_view name);

/// Settings as they are put together, layer by layer; remembers where each value came from.
class SettingsBuilder {
 public:
  /// Sets one value. `origin` is for people: "preset seed", "photos.yaml", "--epochs". @throws
  /// Error(kUsage)
  void set(std::string_view name, std::string_view value, const std::string& origin);
  /// Takes every key of a YAML mapping: `train: {epochs: 10}`, `train.epochs: 10` or `epochs: 10`.
  /// @throws Error(kUsage) with file, line and key
  void apply_yaml(const std::string& yaml, const std::string& origin);
  /// One of preset_names(). @throws Error(kUsage) with the nearest name
  void apply_preset(const std::string& name);

  /// Checks what no single field can (crop_scale_min <= crop_scale_max, ...). @throws Error(kUsage)
  Settings resolve() const;
  /// "default" if nothing set it.
  std::string origin(const Field& field) const;

 private:
  Settings settings_;
  std::map<std::string, std::string> origins_;
};

/// Recipes of configs/*.yaml, compiled in.
std::vector<std::string> preset_names();
/// The YAML of a preset. @throws Error(kUsage) with the nearest name
std::string preset_yaml(const std::string& name);

/// Every setting as YAML, one section after the other: a run's config.yaml. apply_yaml reads it
/// back exactly.
std::string to_yaml(const Settings& settings);

/// Keys whose values differ, in schema order.
std::vector<std::string> differing_keys(const Settings& a, const Settings& b);

/// "\n  key: value there, value now" for each setting that differs from `before` and may not; empty
/// if none.
std::string forbidden_changes(const Settings& before, const Settings& now,
                              const std::function<bool(const std::string& key)>& may_change);

}  // namespace simclr
