#include "simclr/study/study_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "simclr/config/figures.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

using Names = std::vector<std::string>;

/// A place in the study file, for errors.
class Place {
 public:
  explicit Place(std::string origin) : origin_(std::move(origin)) {}

  [[noreturn]] void fail(const YAML::Node& node, const std::string& message,
                         const std::string& hint = "docs/study.md shows the format.") const {
    const YAML::Mark mark = node.Mark();
    const std::string line = mark.is_null() ? "" : fmt::format(":{}", mark.line + 1);
    throw Error(ExitCode::kUsage, fmt::format("{}{}: {}", origin_, line, message), hint);
  }
  /// @throws Error(kUsage) if `node` is not a mapping of these keys
  void check_keys(const YAML::Node& node, const std::string& what, const Names& known) const {
    if (!node.IsMap()) fail(node, what + " must be a mapping");
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      fail(entry.first, fmt::format("{} has no '{}'", what, printable(key)),
           fmt::format("{}It may have: {}.", did_you_mean(key, known), fmt::join(known, ", ")));
    }
  }
  /// @throws Error(kUsage) if `name` is none of `known`
  void check_name(const YAML::Node& node, const std::string& what, const std::string& name,
                  const Names& known) const {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    fail(node, fmt::format("there is no {} '{}'", what, printable(name)),
         fmt::format("{}There are: {}.", did_you_mean(name, known), fmt::join(known, ", ")));
  }
  template <class T>
  T value(const YAML::Node& node, const std::string& what) const {
    try {
      return node.as<T>();
    } catch (const YAML::Exception&) {
      fail(node, what + " is not understood");
    }
  }
  const std::string& origin() const { return origin_; }

 private:
  std::string origin_;
};

/// Any value as the one line that settings take as text.
std::string value_text(const YAML::Node& node) {
  if (node.IsScalar()) return node.Scalar();
  YAML::Emitter out;
  out.SetSeqFormat(YAML::Flow);
  out.SetMapFormat(YAML::Flow);
  out << node;
  return out.c_str();
}

/// The full key of a setting; "init" stays itself. @throws Error(kUsage) with the nearest name
std::string full_key(const Place& place, const YAML::Node& node, const std::string& name) {
  if (name == "init" || name.starts_with("augment.pipeline.") ||
      name.starts_with("augment.second_pipeline."))
    return name;
  try {
    return find_field(name).key();
  } catch (const Error& error) {
    place.fail(node, error.what(), error.hint());
  }
}

/// `{loss.temperature: 0.1, train: {epochs: 3}}` as key -> text.
ArmValues values_of(const Place& place, const YAML::Node& node, const std::string& prefix = "") {
  ArmValues values;
  if (!node.IsMap()) place.fail(node, "settings must be a mapping");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (prefix.empty() && entry.second.IsMap()) {
      const ArmValues inner = values_of(place, entry.second, key + ".");
      values.insert(values.end(), inner.begin(), inner.end());
    } else {
      values.emplace_back(full_key(place, entry.first, prefix + key), value_text(entry.second));
    }
  }
  return values;
}

/// Every combination of the lists, the first key the slowest.
std::vector<ArmSpec> arms_of_grid(const Place& place, const YAML::Node& grid,
                                  std::vector<std::string>& keys) {
  std::vector<ArmSpec> arms{{}};
  if (!grid.IsMap() || grid.size() == 0) place.fail(grid, "grid must name settings");
  for (const auto& entry : grid) {
    const std::string key = full_key(place, entry.first, entry.first.as<std::string>());
    if (!entry.second.IsSequence() || entry.second.size() == 0)
      place.fail(entry.second, fmt::format("grid: {} needs a list of values", key));
    keys.push_back(key);
    std::vector<ArmSpec> longer;
    for (const ArmSpec& arm : arms) {
      for (const auto& value : entry.second) {
        longer.push_back(arm);
        longer.back().values.emplace_back(key, value_text(value));
      }
    }
    arms = std::move(longer);
  }
  for (ArmSpec& arm : arms) {
    for (const auto& [key, value] : arm.values)
      arm.label += (arm.label.empty() ? "" : ", ") + value;
  }
  return arms;
}

std::vector<ArmSpec> arms_of_list(const Place& place, const YAML::Node& list,
                                  std::vector<std::string>& keys) {
  std::vector<ArmSpec> arms;
  if (!list.IsSequence() || list.size() == 0) place.fail(list, "arms must be a list");
  for (const auto& node : list) {
    place.check_keys(node, "an arm", {"name", "set"});
    if (!node["name"]) place.fail(node, "an arm needs a name");
    ArmSpec arm{place.value<std::string>(node["name"], "name"), {}};
    if (node["set"]) arm.values = values_of(place, node["set"]);
    for (const auto& [key, value] : arm.values) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    arms.push_back(std::move(arm));
  }
  return arms;
}

std::vector<std::uint64_t> seeds_of(const Place& place, const YAML::Node& node) {
  if (!node.IsSequence()) place.fail(node, "seeds must be a list, as [0, 1, 2]");
  const auto seeds = place.value<std::vector<std::uint64_t>>(node, "seeds");
  if (seeds.empty() || std::set(seeds.begin(), seeds.end()).size() != seeds.size())
    place.fail(node, "seeds must be a list of different numbers");
  return seeds;
}

SubStudySpec sub_study_of(const Place& place, const YAML::Node& node) {
  place.check_keys(node, "a sub-study", {"name", "title", "base", "grid", "arms", "seeds"});
  SubStudySpec sub;
  if (!node["name"]) place.fail(node, "a sub-study needs a name");
  sub.name = place.value<std::string>(node["name"], "name");
  sub.title = node["title"] ? place.value<std::string>(node["title"], "title") : sub.name;
  if (node["base"]) sub.base = values_of(place, node["base"]);
  if (node["seeds"]) sub.seeds = seeds_of(place, node["seeds"]);
  if (static_cast<bool>(node["grid"]) == static_cast<bool>(node["arms"]))
    place.fail(node, fmt::format("sub-study '{}' needs either grid or arms", sub.name));
  sub.arms = node["grid"] ? arms_of_grid(place, node["grid"], sub.keys)
                          : arms_of_list(place, node["arms"], sub.keys);
  return sub;
}

/// A claim about what is not there would only be noticed hours later.
void check_figure(const Place& place, const YAML::Node& node, const std::string& figure,
                  const StudyFile& file) {
  Names names;
  for (const FigureName& known : kFigures) names.emplace_back(known.name);
  place.check_name(node, "figure", figure, names);
  const auto at = std::find(names.begin(), names.end(), figure) - names.begin();
  const Names& run = file.protocols;
  if (kFigures[static_cast<std::size_t>(at)].is_protocol &&
      std::find(run.begin(), run.end(), figure) == run.end())
    place.fail(node, fmt::format("'{}' is not among the evaluations of this study", figure),
               fmt::format("Add it to evaluate: [{}].", fmt::join(run, ", ")));
}

void check_arms(const Place& place, const YAML::Node& node, const Claim& claim,
                const StudyFile& file) {
  const auto sub = std::find_if(file.sub_studies.begin(), file.sub_studies.end(),
                                [&](const auto& s) { return s.name == claim.sub_study; });
  Names labels;
  for (const ArmSpec& arm : sub->arms) labels.push_back(arm.label);
  for (const auto& arm : node["arms"]) place.check_name(arm, "arm", arm.Scalar(), labels);
  const bool compares = claim.rule == "greater" || claim.rule == "same";
  if (compares && claim.arms.size() < 2)
    place.fail(node, fmt::format("rule '{}' needs arms: [FIRST, OTHER, ...]", claim.rule),
               fmt::format("Arms of {}: {}.", claim.sub_study, fmt::join(labels, ", ")));
  if (claim.rule == "same" && !(claim.within > 0.0))
    place.fail(node, "rule 'same' needs within: NUMBER",
               "Of accuracies it is a share: 0.01 is one point.");
  if (claim.rule == "extremes-worse" && labels.size() < 3)
    place.fail(node["rule"], "rule 'extremes-worse' needs three arms or more");
}

Claim claim_of(const Place& place, const YAML::Node& node, const StudyFile& file) {
  place.check_keys(node, "a claim", {"text", "in", "figure", "rule", "arms", "within"});
  for (const char* key : {"text", "in", "figure", "rule"}) {
    if (!node[key]) place.fail(node, fmt::format("a claim needs '{}'", key));
  }
  Claim claim{place.value<std::string>(node["text"], "text"),
              place.value<std::string>(node["in"], "in"),
              place.value<std::string>(node["figure"], "figure"),
              place.value<std::string>(node["rule"], "rule"),
              {},
              node["within"] ? place.value<double>(node["within"], "within") : 0.0};
  if (node["arms"]) claim.arms = place.value<Names>(node["arms"], "arms");
  check_figure(place, node["figure"], claim.figure, file);
  Names subs;
  for (const SubStudySpec& sub : file.sub_studies) subs.push_back(sub.name);
  place.check_name(node["in"], "sub-study", claim.sub_study, subs);
  place.check_name(node["rule"], "rule", claim.rule,
                   {"rises", "falls", "extremes-worse", "greater", "same"});
  check_arms(place, node, claim, file);
  return claim;
}

Names protocols_of(const Place& place, const YAML::Node& node) {
  Names known;
  for (const FigureName& figure : kFigures)
    if (figure.is_protocol) known.emplace_back(figure.name);
  const auto names = place.value<Names>(node, "evaluate");
  for (const std::string& name : names) place.check_name(node, "protocol", name, known);
  return names;
}

void read_parts(const Place& place, const YAML::Node& root, StudyFile& file) {
  if (root["title"]) file.title = place.value<std::string>(root["title"], "title");
  if (root["preset"]) file.base.apply_preset(place.value<std::string>(root["preset"], "preset"));
  if (root["base"]) file.base.apply_yaml(YAML::Dump(root["base"]), place.origin() + ", base");
  if (root["chosen"]) {
    for (const auto& node : root["chosen"])
      file.chosen.push_back(full_key(place, node, place.value<std::string>(node, "chosen")));
  }
  if (root["seeds"]) file.seeds = seeds_of(place, root["seeds"]);
  if (root["evaluate"]) file.protocols = protocols_of(place, root["evaluate"]);
  if (root["source"]) file.source = YAML::Dump(root["source"]);
  if (const YAML::Node measure = root["measure"]) {
    place.check_keys(measure, "measure", {"batch_size", "temperature"});
    if (measure["batch_size"])
      file.measure.batch_size = place.value<std::int64_t>(measure["batch_size"], "batch_size");
    if (measure["temperature"])
      file.measure.temperature = place.value<double>(measure["temperature"], "temperature");
    if (file.measure.batch_size < 2 || !(file.measure.temperature > 0))
      place.fail(measure, "measure needs batch_size >= 2 and temperature > 0");
  }
}

}  // namespace

StudyFile parse_study_file(const std::string& yaml, const std::string& origin) {
  const Place place(origin);
  YAML::Node root;
  try {
    root = YAML::Load(yaml);
  } catch (const YAML::Exception& error) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}:{}: not YAML: {}", origin, error.mark.line + 1, error.msg));
  }
  place.check_keys(root, "a study",
                   {"title", "preset", "base", "chosen", "seeds", "evaluate", "measure", "source",
                    "sub_studies", "claims"});
  StudyFile file;
  file.protocols = {"knn", "linear", "finetune"};
  read_parts(place, root, file);
  if (!root["sub_studies"] || !root["sub_studies"].IsSequence() || root["sub_studies"].size() == 0)
    place.fail(root, "a study needs a list of sub_studies");
  std::set<std::string> names;
  for (const auto& node : root["sub_studies"]) {
    file.sub_studies.push_back(sub_study_of(place, node));
    if (!names.insert(file.sub_studies.back().name).second)
      place.fail(node, fmt::format("two sub-studies are named '{}'", file.sub_studies.back().name));
  }
  for (const auto& node : root["claims"]) file.claims.push_back(claim_of(place, node, file));
  return file;
}

StudyFile list_study(const std::string& setting, const std::vector<std::string>& values) {
  const Field& field = find_field(setting);
  StudyFile file;
  file.title = "Study of " + field.flag;
  file.protocols = {"knn", "linear", "finetune"};
  SubStudySpec sub{field.flag, field.flag, {field.key()}, {}, {}, {}};
  for (const std::string& value : values) sub.arms.push_back({value, {{field.key(), value}}});
  file.sub_studies = {sub};
  return file;
}

}  // namespace simclr
