#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cmath>

#include "simclr/config/embedded_presets.h"
#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

std::string place(const std::string& origin, const YAML::Mark& mark) {
  return mark.is_null() ? origin : fmt::format("{}:{}", origin, mark.line + 1);
}

bool is_section(const std::string& name) {
  for (const Field& field : all_fields()) {
    if (field.section == name) return true;
  }
  return false;
}

/// A list as the one line that settings take as text.
std::string flow_text(const YAML::Node& list) {
  YAML::Emitter out;
  out.SetSeqFormat(YAML::Flow);
  out.SetMapFormat(YAML::Flow);
  out << list;
  return out.c_str();
}

/// One `key: value` of a mapping, or a section's own mapping.
void apply_entry(SettingsBuilder& builder, const std::string& prefix, const YAML::Node& key_node,
                 const YAML::Node& value, const std::string& origin) {
  const std::string where = place(origin, key_node.Mark());
  if (!key_node.IsScalar()) {
    throw Error(ExitCode::kUsage, fmt::format("{}: a key must be a name", where));
  }
  const auto key = key_node.as<std::string>();
  if (prefix.empty() && value.IsMap() && is_section(key)) {
    for (const auto& entry : value) {
      apply_entry(builder, key + ".", entry.first, entry.second, origin);
    }
    return;
  }
  if (value.IsMap() || value.IsNull()) {
    throw Error(ExitCode::kUsage, fmt::format("{}: {}{} needs one value", where, prefix, key),
                "Sections hold settings, settings hold one value: `train: {epochs: 10}`.");
  }
  try {
    builder.set(prefix + key, value.IsScalar() ? value.Scalar() : flow_text(value), origin);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", where, error.what()), error.hint());
  }
}

void require(bool holds, const std::string& message, const std::string& hint) {
  if (!holds) throw Error(ExitCode::kUsage, message, hint);
}

}  // namespace

void SettingsBuilder::set(std::string_view name, std::string_view value,
                          const std::string& origin) {
  for (const std::string_view pipeline : {"augment.pipeline", "augment.second_pipeline"}) {
    if (!name.starts_with(pipeline) || name.size() == pipeline.size()) continue;
    if (name[pipeline.size()] != '.') continue;
    const bool second = pipeline.ends_with("second_pipeline");
    if (second && !settings_.augment.second_pipeline)
      settings_.augment.second_pipeline = settings_.augment.pipeline;
    set_parameter(second ? *settings_.augment.second_pipeline : settings_.augment.pipeline,
                  name.substr(pipeline.size() + 1), value);
    origins_[std::string(pipeline)] = origin;
    return;
  }
  const Field& field = find_field(name);
  field.set(settings_, value);
  origins_[field.key()] = origin;
}

void SettingsBuilder::apply_yaml(const std::string& yaml, const std::string& origin) {
  YAML::Node root;
  try {
    root = YAML::Load(yaml);
  } catch (const YAML::Exception& error) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: not YAML: {}", place(origin, error.mark), error.msg));
  }
  if (root.IsNull()) return;
  require(root.IsMap(), fmt::format("{}: not a mapping of settings", origin),
          "Write `section: {name: value}`, as `simclr config show` does.");
  for (const auto& entry : root) apply_entry(*this, "", entry.first, entry.second, origin);
}

void SettingsBuilder::apply_preset(const std::string& name) {
  apply_yaml(preset_yaml(name), "preset " + name);
}

Settings SettingsBuilder::resolve() const {
  const Settings& s = settings_;
  const double quarters = std::log2(s.model.width);
  require(quarters == std::round(quarters),
          fmt::format("model.width = {} is not allowed", s.model.width),
          "Wanted: 0.25, 0.5, 1, 2 or 4.");
  require(!s.optim.nesterov || s.optim.momentum > 0.0, "optim.nesterov needs momentum above 0",
          "Set --momentum, or leave --nesterov out.");
  require(!s.knn.k.empty(), "knn.k needs a number of neighbours", "Name some, as `--k 1,20,200`.");
  require(s.optim.schedule != Schedule::kStep || !s.optim.milestones.empty(),
          "optim.schedule = step needs optim.milestones",
          "Name the epochs, as `--schedule step --milestones 60,80`.");
  const std::int64_t micro = s.train.micro_batch;
  require(
      micro == 0 || (micro <= s.train.batch_size && s.train.batch_size % micro == 0),
      fmt::format("train.micro_batch = {} is not a divisor of train.batch_size = {}", micro,
                  s.train.batch_size),
      "Each micro-batch must be of one size: a --micro-batch of half, a quarter ... the batch.");
  return s;
}

std::string SettingsBuilder::origin(const Field& field) const {
  const auto found = origins_.find(field.key());
  return found == origins_.end() ? "default" : found->second;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& preset : detail::embedded_presets()) names.push_back(preset.name);
  return names;
}

std::string preset_yaml(const std::string& name) {
  for (const auto& preset : detail::embedded_presets()) {
    if (preset.name == name) return preset.yaml;
  }
  throw Error(ExitCode::kUsage, fmt::format("there is no preset '{}'", name),
              fmt::format("{}Presets: {}.", did_you_mean(name, preset_names()),
                          fmt::join(preset_names(), ", ")));
}

std::string to_yaml(const Settings& settings) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  std::string section;
  for (const Field& field : all_fields()) {
    if (field.section != section) {
      if (!section.empty()) out << YAML::EndMap;
      section = field.section;
      out << YAML::Key << section << YAML::Value << YAML::BeginMap;
    }
    out << YAML::Key << field.name << YAML::Value;
    if (field.values.starts_with("pipeline")) {
      out << YAML::Load(field.get(settings));
    } else {
      if (field.values == "text") out << YAML::DoubleQuoted;
      out << field.get(settings);
    }
  }
  out << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace simclr
