#include "simclr/study/study_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <utility>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/formats/metrics.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::array kFolders{"trials", "states", "locks",    "measures",
                              "plots",  "tables", "baselines"};
constexpr std::array kFiles{"study.json", "report.html", "report.md"};

/// study.json. @throws Error(kData) if it is not one
Json plan_of(const fs::path& file) {
  Json json = Json::parse(read_file(file), nullptr, false);
  if (!json.is_object() || !json.contains("base") || !json["base"].is_string()) {
    throw Error(ExitCode::kData, fmt::format("{}: not a study's plan", file.string()),
                "Choose another --out, or replace the study by --overwrite.");
  }
  return json;
}

Settings base_of(const Json& plan, const fs::path& file) {
  SettingsBuilder builder;
  builder.apply_yaml(plan.at("base").get<std::string>(), file.string());
  return builder.resolve();
}

/// "\n  measure.temperature: 0.5 there, 0.1 now", ...; "" if the common measure is the same.
std::string changed_measure(const Json& plan, const CommonMeasureSpec& now) {
  const Json before = plan.value("measure", Json::object());
  std::string changes;
  const auto compare = [&](const char* key, const Json& value) {
    if (before.contains(key) && before[key] != value)
      changes +=
          fmt::format("\n  measure.{}: {} there, {} now", key, before[key].dump(), value.dump());
  };
  compare("batch_size", now.batch_size);
  compare("temperature", now.temperature);
  return changes;
}

/// Trials of one name and other identities: of one base, they differ in where they begin.
std::string changed_trials(const Json& plan, const StudyPlan& now) {
  std::map<std::string, std::string> before;  // name -> identity
  for (const Json& trial : plan.value("trials", Json::array()))
    before[trial.value("name", "")] = trial.value("identity", "");
  std::string changes;
  for (const Trial& trial : now.trials) {
    const auto found = before.find(trial.name);
    if (found != before.end() && found->second != trial.identity)
      changes += fmt::format("\n  trial {}: other initial weights or settings", trial.name);
  }
  return changes;
}

/// As it was typed when the study was begun, or last gone on with.
std::string command_of(const fs::path& file) {
  const Json json = Json::parse(read_file(file), nullptr, false);
  return json.is_object() ? json.value("command", "") : "";
}

/// @throws Error(kUsage) if the study in the folder has another base, so that its trials' names
/// would lie; another common measure, or trials that began otherwise: their results are others
void check_same_study(const fs::path& file, const StudyPlan& plan, const std::string& hint) {
  const Json before = plan_of(file);
  std::string changed = forbidden_changes(base_of(before, file), plan.base, decides_nothing);
  if (changed.empty()) changed = changed_trials(before, plan);
  changed += changed_measure(before, plan.measure);
  if (changed.empty()) return;
  throw Error(
      ExitCode::kUsage,
      fmt::format("{} holds a study with other settings:{}", file.parent_path().string(), changed),
      hint);
}

/// The SHA-256 of a run's own test images; "" if it is not kept.
std::string own_test_sha256(const fs::path& run) {
  if (!fs::exists(run / "images.json")) return "";
  const Json json = Json::parse(read_file(run / "images.json"), nullptr, false);
  const Json::json_pointer place("/test/sha256");
  return json.is_object() && json.contains(place) && json[place].is_string()
             ? json[place].get<std::string>()
             : "";
}

/// Names of the results of a run's best encoder on its own test images. Of other weights and images
/// there may be results under the same names.
std::set<std::string> finished_results(const fs::path& run) {
  std::set<std::string> names;
  if (!fs::exists(run / "results.jsonl")) return names;
  const std::string own_test = own_test_sha256(run);
  std::istringstream lines(read_file(run / "results.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("encoder", "") != "trained") continue;
    const std::string test = json.value("test_sha256", "");
    const bool same_images = own_test.empty() || test.empty() || test == own_test;
    if (json.value("checkpoint", "best") == "best" &&
        json.value("weights", "as trained") == "as trained" && same_images)
      names.insert(json.value("protocol", ""));
  }
  return names;
}

/// Whether anything there is not a study's. One that another process is just beginning may have its
/// folders and no plan yet.
bool in_use(const fs::path& path) {
  if (!fs::exists(path)) return false;
  if (!fs::is_directory(path)) return true;
  const auto is_part = [](const std::string& name) {
    return std::find(kFolders.begin(), kFolders.end(), name) != kFolders.end() ||
           name.starts_with("study.json");
  };
  return std::any_of(
      fs::directory_iterator(path), fs::directory_iterator(),
      [&](const fs::directory_entry& entry) { return !is_part(entry.path().filename().string()); });
}

}  // namespace

StudyFolder::StudyFolder(fs::path path, const StudyPlan& plan)
    : path_(std::move(path)),
      protocols_(plan.protocols),
      source_(plan.source ? plan.trials[*plan.source].name : "") {}

StudyFolder StudyFolder::open(const fs::path& path, const StudyPlan& plan,
                              const std::string& command, bool overwrite) {
  const bool is_study = fs::exists(path / "study.json");
  if (!is_study && in_use(path)) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} exists and is not a study's folder", path.string()),
                "Choose another --out.");
  }
  if (is_study && overwrite) {
    for (const char* name : kFolders) fs::remove_all(path / name);
    for (const char* name : kFiles) fs::remove(path / name);
  }
  try {
    for (const char* name : kFolders) fs::create_directories(path / name);
  } catch (const fs::filesystem_error& error) {
    throw Error(ExitCode::kFailed, fmt::format("{}: {}", path.string(), error.code().message()),
                "Choose an --out where you may write.");
  }
  const auto lock = TrialLock::wait_for(common_lock(path));
  if (fs::exists(path / "study.json"))
    check_same_study(path / "study.json", plan,
                     "Choose another --out, put these back as they were, or replace the study by "
                     "--overwrite.");
  write_file_atomically(path / "study.json", to_json(plan, command));
  return {path, plan};
}

StudyFolder StudyFolder::look(const fs::path& path, const StudyPlan& plan) {
  if (!fs::exists(path / "study.json")) {
    throw Error(ExitCode::kUsage, fmt::format("{}: there is no study", path.string()),
                "Begin it with the same command, without --status.");
  }
  check_same_study(path / "study.json", plan,
                   fmt::format("It was begun by: {}", command_of(path / "study.json")));
  return {path, plan};
}

TrialState StudyFolder::state(const Trial& trial) const {
  TrialState state;
  const fs::path file = path_ / "states" / (trial.name + ".json");
  if (fs::exists(file)) {
    const Json json = Json::parse(read_file(file), nullptr, false);
    if (json.is_object() && json.value("identity", "") == trial.identity) {
      const std::string stage = json.value("stage", "");
      if (stage == "done") state.stage = TrialStage::kDone;
      if (stage == "failed") state.stage = TrialStage::kFailed;
      state.reason = json.value("reason", "");
      state.diverged = json.value("diverged", false);
      state.seconds = json.value("seconds", 0.0);
    }
  }
  if (state.stage == TrialStage::kDone && trial.name != source_ && !protocols_left(trial).empty())
    state.stage = TrialStage::kWaiting;
  if (state.stage != TrialStage::kDone && TrialLock::is_held(lock(trial)))
    state.stage = TrialStage::kRunning;
  if (state.stage == TrialStage::kRunning || state.stage == TrialStage::kWaiting) {
    const auto rows =
        fs::exists(run(trial)) ? read_metrics(run(trial)) : std::vector<EpochMetrics>{};
    if (!rows.empty()) {
      state.epochs_done = rows.back().epoch;
      state.epochs = rows.back().epochs;
    }
    for (const EpochMetrics& row : rows) state.epoch_seconds += row.epoch_seconds;
  }
  return state;
}

std::vector<Protocol> StudyFolder::protocols_left(const Trial& trial) const {
  const std::set<std::string> finished = finished_results(run(trial));
  std::vector<Protocol> left;
  for (const auto& [protocol, name] : EnumNames<Protocol>::table) {
    const bool wanted = std::find(protocols_.begin(), protocols_.end(), name) != protocols_.end();
    if (wanted && !finished.contains(result_name(protocol, trial.settings)))
      left.push_back(protocol);
  }
  return left;
}

void StudyFolder::write_state(const Trial& trial, const TrialState& state) const {
  const char* stage = state.stage == TrialStage::kDone     ? "done"
                      : state.stage == TrialStage::kFailed ? "failed"
                                                           : "stopped";
  const Json json{{"identity", trial.identity},
                  {"stage", stage},
                  {"reason", state.reason},
                  {"diverged", state.diverged},
                  {"seconds", state.seconds}};
  write_file_atomically(path_ / "states" / (trial.name + ".json"),
                        json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace simclr
