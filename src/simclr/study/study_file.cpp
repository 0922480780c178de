#include "simclr/study/study_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "simclr/config/figures.h"
#include "simclr/study/study_reader.h"

namespace simclr {
namespace {

using detail::Names;
using detail::StudyReader;

/// Every combination of the lists, the first key the slowest.
std::vector<ArmSpec> arms_of_grid(const StudyReader& reader, const YAML::Node& grid, Names& keys) {
  if (!grid.IsMap() || grid.size() == 0) reader.fail(grid, "grid must name settings");
  std::vector<Names> lists;  // of each key
  std::size_t count = 1;
  for (const auto& entry : grid) {
    const std::string key = reader.setting_key(entry.first, reader.key(entry.first));
    if (!entry.second.IsSequence() || entry.second.size() == 0)
      reader.fail(entry.second, fmt::format("grid: {} needs a list of values", key));
    if (std::find(keys.begin(), keys.end(), key) != keys.end())
      reader.fail(entry.first, fmt::format("grid: {} stands twice", key));
    if (entry.second.size() > kMostStudyTrials / count)
      reader.fail(grid, fmt::format("grid: more than {} combinations", kMostStudyTrials),
                  "A grid has every value of a setting with every value of the others. Give each "
                  "setting a sub-study of its own, or name the arms.");
    count *= entry.second.size();
    keys.push_back(key);
    Names& list = lists.emplace_back();
    for (const auto& value : entry.second) list.push_back(reader.setting_text(value));
  }
  std::vector<ArmSpec> arms(count);
  std::size_t run = count;  // of arms with the same value
  for (std::size_t k = 0; k < keys.size(); ++k) {
    run /= lists[k].size();
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& value = lists[k][i / run % lists[k].size()];
      arms[i].values.emplace_back(keys[k], value);
      arms[i].label += (k == 0 ? "" : ", ") + value;
    }
  }
  return arms;
}

std::vector<ArmSpec> arms_of_list(const StudyReader& reader, const YAML::Node& list, Names& keys) {
  std::vector<ArmSpec> arms;
  reader.check_list(list, "arms");
  if (list.size() == 0) reader.fail(list, "arms must be a list of one or more");
  for (const auto& node : list) {
    reader.check_keys(node, "an arm", {"name", "set"});
    if (!node["name"]) reader.fail(node, "an arm needs a name");
    ArmSpec arm{reader.value<std::string>(node["name"], "name"), {}};
    if (node["set"]) arm.values = reader.settings(node["set"]);
    for (const auto& [key, value] : arm.values) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    arms.push_back(std::move(arm));
  }
  return arms;
}

std::vector<std::uint64_t> seeds_of(const StudyReader& reader, const YAML::Node& node) {
  if (!node.IsSequence()) reader.fail(node, "seeds must be a list, as [0, 1, 2]");
  const auto seeds = reader.value<std::vector<std::uint64_t>>(node, "seeds");
  if (seeds.empty() || std::set(seeds.begin(), seeds.end()).size() != seeds.size())
    reader.fail(node, "seeds must be a list of different numbers");
  return seeds;
}

SubStudySpec sub_study_of(const StudyReader& reader, const YAML::Node& node) {
  reader.check_keys(node, "a sub-study", {"name", "title", "base", "grid", "arms", "seeds"});
  SubStudySpec sub;
  if (!node["name"]) reader.fail(node, "a sub-study needs a name");
  sub.name = reader.value<std::string>(node["name"], "name");
  sub.title = node["title"] ? reader.value<std::string>(node["title"], "title") : sub.name;
  if (node["base"]) sub.base = reader.settings(node["base"]);
  if (node["seeds"]) sub.seeds = seeds_of(reader, node["seeds"]);
  if (static_cast<bool>(node["grid"]) == static_cast<bool>(node["arms"]))
    reader.fail(node, fmt::format("sub-study '{}' needs either grid or arms", sub.name));
  sub.arms = node["grid"] ? arms_of_grid(reader, node["grid"], sub.keys)
                          : arms_of_list(reader, node["arms"], sub.keys);
  return sub;
}

/// A claim about what is not there would only be noticed hours later.
void check_figure(const StudyReader& reader, const YAML::Node& node, const std::string& figure,
                  const StudyFile& file) {
  Names names;
  for (const FigureName& known : kFigures) names.emplace_back(known.name);
  reader.check_name(node, "figure", figure, names);
  const auto at = std::find(names.begin(), names.end(), figure) - names.begin();
  const Names& run = file.protocols;
  if (kFigures[static_cast<std::size_t>(at)].is_protocol &&
      std::find(run.begin(), run.end(), figure) == run.end())
    reader.fail(node, fmt::format("'{}' is not among the evaluations of this study", figure),
                fmt::format("Add it to evaluate: [{}].", fmt::join(run, ", ")));
}

void check_arms(const StudyReader& reader, const YAML::Node& node, const Claim& claim,
                const StudyFile& file) {
  const auto sub = std::find_if(file.sub_studies.begin(), file.sub_studies.end(),
                                [&](const auto& s) { return s.name == claim.sub_study; });
  Names labels;
  for (const ArmSpec& arm : sub->arms) labels.push_back(arm.label);
  for (const std::string& arm : claim.arms) reader.check_name(node["arms"], "arm", arm, labels);
  const bool compares = claim.rule == "greater" || claim.rule == "same";
  if (compares && claim.arms.size() < 2)
    reader.fail(node, fmt::format("rule '{}' needs arms: [FIRST, OTHER, ...]", claim.rule),
                fmt::format("Arms of {}: {}.", claim.sub_study, fmt::join(labels, ", ")));
  if (claim.rule == "same" && !(claim.within > 0.0))
    reader.fail(node, "rule 'same' needs within: NUMBER",
                "Of accuracies it is a share: 0.01 is one point.");
  if (claim.rule == "extremes-worse" && labels.size() < 3)
    reader.fail(node["rule"], "rule 'extremes-worse' needs three arms or more");
}

Claim claim_of(const StudyReader& reader, const YAML::Node& node, const StudyFile& file) {
  reader.check_keys(node, "a claim", {"text", "in", "figure", "rule", "arms", "within"});
  for (const char* key : {"text", "in", "figure", "rule"}) {
    if (!node[key]) reader.fail(node, fmt::format("a claim needs '{}'", key));
  }
  Claim claim{reader.value<std::string>(node["text"], "text"),
              reader.value<std::string>(node["in"], "in"),
              reader.value<std::string>(node["figure"], "figure"),
              reader.value<std::string>(node["rule"], "rule"),
              {},
              node["within"] ? reader.value<double>(node["within"], "within") : 0.0};
  if (node["arms"]) claim.arms = reader.value<Names>(node["arms"], "arms");
  if (!std::isfinite(claim.within)) reader.fail(node["within"], "within must be a number");
  check_figure(reader, node["figure"], claim.figure, file);
  Names subs;
  for (const SubStudySpec& sub : file.sub_studies) subs.push_back(sub.name);
  reader.check_name(node["in"], "sub-study", claim.sub_study, subs);
  reader.check_name(node["rule"], "rule", claim.rule,
                    {"rises", "falls", "extremes-worse", "greater", "same"});
  check_arms(reader, node, claim, file);
  return claim;
}

Names protocols_of(const StudyReader& reader, const YAML::Node& node) {
  Names known;
  for (const FigureName& figure : kFigures)
    if (figure.is_protocol) known.emplace_back(figure.name);
  const auto names = reader.value<Names>(node, "evaluate");
  for (const std::string& name : names) reader.check_name(node, "protocol", name, known);
  return names;
}

/// The report prints what was chosen from the settings of the base: `init` and the parameters of a
/// pipeline are not among them.
std::string chosen_key(const StudyReader& reader, const YAML::Node& node) {
  const std::string key = reader.setting_key(node, reader.value<std::string>(node, "chosen"));
  const auto& fields = all_fields();
  const auto is_it = [&](const Field& field) { return field.key() == key; };
  if (std::none_of(fields.begin(), fields.end(), is_it))
    reader.fail(node, fmt::format("chosen: {} is no setting by itself", key),
                key == "init" ? "Leave it out: the report says where arms begin."
                              : "Name the pipeline, augment.pipeline: it is printed whole.");
  return key;
}

void read_parts(const StudyReader& reader, const YAML::Node& root, StudyFile& file) {
  if (root["title"]) file.title = reader.value<std::string>(root["title"], "title");
  if (root["preset"]) file.base.apply_preset(reader.value<std::string>(root["preset"], "preset"));
  if (root["base"]) file.base.apply_yaml(YAML::Dump(root["base"]), reader.origin() + ", base");
  reader.check_list(root["chosen"], "chosen");
  for (const auto& node : root["chosen"]) file.chosen.push_back(chosen_key(reader, node));
  if (root["seeds"]) file.seeds = seeds_of(reader, root["seeds"]);
  if (root["evaluate"]) file.protocols = protocols_of(reader, root["evaluate"]);
  if (root["source"]) file.source = YAML::Dump(root["source"]);
  if (const YAML::Node measure = root["measure"]) {
    reader.check_keys(measure, "measure", {"batch_size", "temperature"});
    if (measure["batch_size"])
      file.measure.batch_size = reader.value<std::int64_t>(measure["batch_size"], "batch_size");
    if (measure["temperature"])
      file.measure.temperature = reader.value<double>(measure["temperature"], "temperature");
    const double temperature = file.measure.temperature;
    if (file.measure.batch_size < 2 || !(temperature > 0) || !std::isfinite(temperature))
      reader.fail(measure, "measure needs batch_size >= 2 and temperature > 0");
  }
}

/// Those that coincide are counted each time.
std::size_t trials_of(const SubStudySpec& sub, const StudyFile& file) {
  const std::size_t seeds = sub.seeds.empty() ? file.seeds.size() : sub.seeds.size();
  return sub.arms.size() * std::max<std::size_t>(seeds, 1);
}

}  // namespace

StudyFile parse_study_file(const std::string& yaml, const std::string& origin) {
  const StudyReader reader(origin);
  YAML::Node root = reader.load(yaml);
  reader.check_keys(root, "a study",
                    {"title", "preset", "base", "chosen", "seeds", "evaluate", "measure", "source",
                     "sub_studies", "claims"});
  StudyFile file;
  file.protocols = {"knn", "linear", "finetune"};
  read_parts(reader, root, file);
  if (!root["sub_studies"] || !root["sub_studies"].IsSequence() || root["sub_studies"].size() == 0)
    reader.fail(root, "a study needs a list of sub_studies");
  std::set<std::string> names;
  std::size_t trials = 0;
  for (const auto& node : root["sub_studies"]) {
    const SubStudySpec& sub = file.sub_studies.emplace_back(sub_study_of(reader, node));
    if (!names.insert(sub.name).second)
      reader.fail(node, fmt::format("two sub-studies are named '{}'", sub.name));
    trials += trials_of(sub, file);
    if (trials > kMostStudyTrials)
      reader.fail(
          node,
          fmt::format("a study may have at most {} trials, arms times seeds", kMostStudyTrials),
          "Leave out arms or seeds, or make several studies of it.");
  }
  reader.check_list(root["claims"], "claims");
  for (const auto& node : root["claims"]) file.claims.push_back(claim_of(reader, node, file));
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
