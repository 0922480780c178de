#include "simclr/report/study_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "simclr/config/figures.h"
#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/report/curves.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json read_json(const fs::path& path) {
  try {
    return Json::parse(read_file(path));
  } catch (const nlohmann::json::exception& error) {
    throw Error(ExitCode::kData, fmt::format("{}: {}", path.string(), error.what()),
                "Start the study again with the same command: it writes the file anew.");
  }
}

MeasureRecord to_measure(const Json& json) {
  return {json.at("loss").get<double>(), json.at("top1").get<double>(),
          json.value("feature_top1", 0.0)};
}

/// A study's figures are named for its protocols; what they are called in results.jsonl depends on
/// settings ("linear-sgd").
void name_by_protocol(RunRecords& records, const Json& names) {
  for (const auto& [protocol, name] : names.items()) {
    const auto found = records.results.find(name.get<std::string>());
    if (protocol == name || found == records.results.end()) continue;
    records.results[protocol] = found->second;
    records.results.erase(name.get<std::string>());
  }
}

TrialRecord read_trial(const fs::path& folder, const Json& json) {
  TrialRecord trial;
  trial.name = json.at("name").get<std::string>();
  trial.seed = json.at("seed").get<std::uint64_t>();
  trial.init = json.value("init", "random");
  trial.run = folder / "trials" / trial.name;
  if (fs::exists(trial.run / "config.yaml")) {
    trial.records = read_run_records(trial.run);
    name_by_protocol(*trial.records, json.value("results", Json::object()));
  }
  const fs::path state = folder / "states" / (trial.name + ".json");
  if (fs::exists(state)) {
    const Json stored = read_json(state);
    if (stored.value("identity", "") == json.value("identity", "")) {
      trial.stage = stored.value("stage", "");
      trial.reason = stored.value("reason", "");
      trial.seconds = stored.value("seconds", 0.0);
    }
  }
  const fs::path measure = folder / "measures" / (trial.name + ".json");
  if (fs::exists(measure)) {
    const Json stored = read_json(measure);
    trial.measure = to_measure(stored.at("trained"));
    trial.initial_measure = to_measure(stored.at("initial"));
    trial.measure_images = stored.value("images", std::int64_t{0});
  }
  return trial;
}

/// A name that can stand in a path and in an HTML id.
std::string plain_name(const std::string& text) {
  std::string name;
  for (const char c : lower_case(text)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
    name += plain ? c : '-';
  }
  return name;
}

/// Gives sub-studies file names that no other table has: "batch size" and "batch-size" are told
/// apart by a number.
class FileNames {
 public:
  std::string take(const std::string& name) {
    const std::string plain = plain_name(name);
    std::string file = plain;
    for (int number = 2; is_taken(file); ++number) file = fmt::format("{}-{}", plain, number);
    for (const std::string_view table : kTables) taken_.insert(file + std::string(table));
    return file;
  }

 private:
  static constexpr std::array<std::string_view, 3> kTables{"", "-differences", "-curves"};

  bool is_taken(const std::string& file) const {
    return std::any_of(kTables.begin(), kTables.end(), [&](std::string_view table) {
      return taken_.contains(file + std::string(table));
    });
  }

  std::set<std::string> taken_{"claims", "trials"};  // the study's own tables
};

SubStudyRecord read_sub_study(const Json& json, const std::map<std::string, std::size_t>& trials,
                              FileNames& names) {
  SubStudyRecord sub{json.at("name").get<std::string>(),
                     json.at("title").get<std::string>(),
                     json.at("keys").get<std::vector<std::string>>(),
                     {},
                     {}};
  sub.file = names.take(sub.name);
  for (const Json& arm_json : json.at("arms")) {
    ArmRecord arm;
    arm.label = arm_json.at("label").get<std::string>();
    for (const auto& [key, value] : arm_json.at("values").items())
      arm.values[key] = value.get<std::string>();
    for (const Json& name : arm_json.at("trials"))
      arm.trials.push_back(trials.at(name.get<std::string>()));
    sub.arms.push_back(std::move(arm));
  }
  return sub;
}

StudyRecords to_study(const fs::path& folder, const Json& json) {
  StudyRecords study;
  study.title = json.at("title").get<std::string>();
  study.command = json.value("command", "");
  study.base_yaml = json.at("base").get<std::string>();
  SettingsBuilder builder;
  builder.apply_yaml(study.base_yaml, "study.json");
  study.base = builder.resolve();
  json.at("chosen").get_to(study.chosen);
  study.measure_batch_size = json.at("measure").at("batch_size").get<std::int64_t>();
  study.measure_temperature = json.at("measure").at("temperature").get<double>();
  if (json.at("source").is_string()) study.source = json.at("source").get<std::string>();
  std::map<std::string, std::size_t> trials;
  for (const Json& trial : json.at("trials")) {
    trials[trial.at("name").get<std::string>()] = study.trials.size();
    study.trials.push_back(read_trial(folder, trial));
  }
  FileNames names;
  for (const Json& sub : json.at("sub_studies"))
    study.sub_studies.push_back(read_sub_study(sub, trials, names));
  for (const Json& claim : json.at("claims"))
    study.claims.push_back(
        {claim.at("text").get<std::string>(), claim.at("in").get<std::string>(),
         claim.at("figure").get<std::string>(), claim.at("rule").get<std::string>(),
         claim.at("arms").get<std::vector<std::string>>(), claim.at("within").get<double>()});
  return study;
}

std::optional<double> figure_of(const std::optional<MeasureRecord>& measure,
                                const std::string& figure) {
  if (!measure) return std::nullopt;
  if (figure == "common_loss") return measure->loss;
  if (figure == "common_top1") return measure->top1;
  if (figure == "common_feature_top1") return measure->feature_top1;
  return std::nullopt;
}

}  // namespace

StudyRecords read_study_records(const fs::path& folder) {
  const fs::path file = folder / "study.json";
  if (!fs::exists(file)) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} is not a study: it has no study.json", folder.string()),
                "Give the folder that `simclr study --out` wrote.");
  }
  try {
    return to_study(folder, read_json(file));
  } catch (const std::logic_error& error) {
    throw Error(ExitCode::kData, fmt::format("{}: {}", file.string(), error.what()),
                "Start the study again with the same command: it writes the file anew.");
  } catch (const nlohmann::json::exception& error) {
    throw Error(ExitCode::kData, fmt::format("{}: {}", file.string(), error.what()),
                "Start the study again with the same command: it writes the file anew.");
  }
}

bool counts(const StudyRecords& study, const TrialRecord& trial) {
  return study.base_yaml.empty() || trial.stage == "done";
}

std::optional<double> figure_of(const TrialRecord& trial, const std::string& figure) {
  if (figure.starts_with("common_")) return figure_of(trial.measure, figure);
  const std::string random = "random_";
  if (figure.starts_with(random + "common_"))
    return figure_of(trial.initial_measure, figure.substr(random.size()));
  if (!trial.records) return std::nullopt;
  const RunRecords& records = *trial.records;
  if (figure.starts_with(random)) return records.accuracy(figure.substr(random.size()), false);
  if (const auto accuracy = records.accuracy(figure, true)) return accuracy;
  if (records.epochs.empty()) return std::nullopt;
  const EpochMetrics& last = records.epochs.back();
  const bool contrastive = records.settings.train.objective == Objective::kContrastive;
  if (figure == "train_loss") return last.train_loss;
  if (figure == "val_loss") return last.val_loss;
  if (figure == "loss_fall" && contrastive) return 1.0 - last.val_loss / chance_loss(records);
  if (figure == "contrastive_top1" && contrastive) return last.val_accuracy;
  return std::nullopt;
}

std::string figure_title(const std::string& figure) {
  const auto* found = std::find_if(kFigures.begin(), kFigures.end(),
                                   [&](const FigureName& f) { return f.name == figure; });
  return found == kFigures.end() ? figure : std::string(found->title);
}

bool is_share(const std::string& figure) {
  return figure != "train_loss" && figure != "val_loss" && figure != "common_loss";
}

std::vector<double> values_of(const StudyRecords& study, const ArmRecord& arm,
                              const std::string& figure) {
  std::vector<double> values;
  for (const std::size_t i : arm.trials) {
    const TrialRecord& trial = study.trials[i];
    if (!counts(study, trial)) continue;
    if (const auto value = figure_of(trial, figure)) values.push_back(*value);
  }
  return values;
}

std::optional<std::vector<double>> shared_random_values(const StudyRecords& study,
                                                        const SubStudyRecord& sub,
                                                        const std::string& figure) {
  std::map<std::uint64_t, double> by_seed;
  for (const ArmRecord& arm : sub.arms) {
    for (const std::size_t i : arm.trials) {
      const TrialRecord& trial = study.trials[i];
      const auto value = figure_of(trial, "random_" + figure);
      if (!value || !counts(study, trial)) continue;
      const auto [known, is_new] = by_seed.try_emplace(trial.seed, *value);
      if (!is_new && known->second != *value) return std::nullopt;
    }
  }
  std::vector<double> values;
  for (const auto& [seed, value] : by_seed) values.push_back(value);
  return values;
}

}  // namespace simclr
