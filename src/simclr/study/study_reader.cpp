#include "simclr/study/study_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "simclr/config/pipeline.h"
#include "simclr/core/text.h"

namespace simclr::detail {
namespace {

// Far beyond what a study needs. YAML's aliases repeat a text for a few bytes each: without an end
// to texts, lists and keys a small file could fill the memory.
constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostTextBytes = 4096;

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string flow_text(const YAML::Node& node) {
  YAML::Emitter out;
  out.SetSeqFormat(YAML::Flow);
  out.SetMapFormat(YAML::Flow);
  out << node;
  return out.c_str();
}

/// "jitter.hue", ...
Names parameter_names() {
  Names names;
  for (const ParameterText& text : pipeline_parameters())
    names.push_back(text.operation + "." + text.name);
  return names;
}

}  // namespace

YAML::Node StudyReader::load(const std::string& yaml) const {
  if (yaml.size() > kMostBytes) {
    throw Error(ExitCode::kUsage, fmt::format("{}: larger than a study file can be", origin_),
                fmt::format("It may have {} bytes.", kMostBytes));
  }
  try {
    return YAML::Load(yaml);
  } catch (const YAML::Exception& error) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}:{}: not YAML: {}", origin_, error.mark.line + 1, error.msg));
  }
}

void StudyReader::fail(const YAML::Node& node, const std::string& message,
                       const std::string& hint) const {
  const YAML::Mark mark = node.Mark();
  const std::string line = mark.is_null() ? "" : fmt::format(":{}", mark.line + 1);
  throw Error(ExitCode::kUsage, fmt::format("{}{}: {}", origin_, line, message), hint);
}

std::string StudyReader::key(const YAML::Node& node) const {
  if (!node.IsScalar()) fail(node, "a key must be a name");
  return node.Scalar();
}

void StudyReader::check_list(const YAML::Node& node, const std::string& what) const {
  if (!node.IsDefined() || node.IsNull()) return;
  if (!node.IsSequence()) fail(node, what + " must be a list");
  if (node.size() > kMostStudyTrials)
    fail(node, fmt::format("{} must be a list of at most {}", what, kMostStudyTrials));
}

void StudyReader::check_keys(const YAML::Node& node, const std::string& what,
                             const Names& known) const {
  if (!node.IsMap()) fail(node, what + " must be a mapping");
  for (const auto& entry : node) {
    const std::string name = key(entry.first);
    if (contains(known, name)) continue;
    fail(entry.first, fmt::format("{} has no '{}'", what, printable(name)),
         fmt::format("{}It may have: {}.", did_you_mean(name, known), fmt::join(known, ", ")));
  }
}

void StudyReader::check_name(const YAML::Node& node, const std::string& what,
                             const std::string& name, const Names& known) const {
  if (contains(known, name)) return;
  fail(node, fmt::format("there is no {} '{}'", what, printable(name)),
       fmt::format("{}There are: {}.", did_you_mean(name, known), fmt::join(known, ", ")));
}

std::string StudyReader::setting_key(const YAML::Node& node, const std::string& name) const {
  if (name == "init") return name;
  for (const std::string_view pipeline : {"augment.pipeline.", "augment.second_pipeline."}) {
    if (!name.starts_with(pipeline)) continue;
    check_name(node, "parameter of a pipeline", name.substr(pipeline.size()), parameter_names());
    return name;
  }
  try {
    return find_field(name).key();
  } catch (const Error& error) {
    fail(node, error.what(), error.hint());
  }
}

std::string StudyReader::setting_text(const YAML::Node& node) const {
  std::string text = node.IsScalar() ? node.Scalar() : flow_text(node);
  if (text.size() > kMostTextBytes)
    fail(node, fmt::format("a value is longer than {} bytes", kMostTextBytes));
  return text;
}

ArmValues StudyReader::settings(const YAML::Node& node) const {
  ArmValues values;
  add_settings(node, "", values);
  return values;
}

void StudyReader::add_settings(const YAML::Node& node, const std::string& prefix,
                               ArmValues& values) const {
  if (!node.IsMap()) fail(node, "settings must be a mapping");
  for (const auto& entry : node) {
    const std::string name = prefix + key(entry.first);
    if (prefix.empty() && entry.second.IsMap()) {
      add_settings(entry.second, name + ".", values);
      continue;
    }
    const std::string full = setting_key(entry.first, name);
    const auto is_same = [&](const auto& setting) { return setting.first == full; };
    if (std::any_of(values.begin(), values.end(), is_same))
      fail(entry.first, fmt::format("{} is set twice", full));
    values.emplace_back(full, setting_text(entry.second));
  }
}

}  // namespace simclr::detail
