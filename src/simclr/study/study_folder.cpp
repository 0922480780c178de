#include "simclr/study/study_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

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

Settings base_of(const fs::path& file) {
  const Json json = Json::parse(read_file(file), nullptr, false);
  if (!json.is_object() || !json.contains("base") || !json["base"].is_string()) {
    throw Error(ExitCode::kData, fmt::format("{}: not a study's plan", file.string()),
                "Choose another --out, or replace the study by --overwrite.");
  }
  SettingsBuilder builder;
  builder.apply_yaml(json["base"].get<std::string>(), file.string());
  return builder.resolve();
}

/// As it was typed when the study was begun, or last gone on with.
std::string command_of(const fs::path& file) {
  const Json json = Json::parse(read_file(file), nullptr, false);
  return json.is_object() ? json.value("command", "") : "";
}

/// @throws Error(kUsage) if the study in the folder has another base: its trials' names would lie
void check_same_base(const fs::path& file, const Settings& base, const std::string& hint) {
  const std::string changed = forbidden_changes(base_of(file), base, decides_nothing);
  if (changed.empty()) return;
  throw Error(
      ExitCode::kUsage,
      fmt::format("{} holds a study with other settings:{}", file.parent_path().string(), changed),
      hint);
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
    check_same_base(path / "study.json", plan.base,
                    "Choose another --out, leave those settings alone, or replace the study by "
                    "--overwrite.");
  write_file_atomically(path / "study.json", to_json(plan, command));
  return StudyFolder(path);
}

StudyFolder StudyFolder::look(const fs::path& path, const StudyPlan& plan) {
  if (!fs::exists(path / "study.json")) {
    throw Error(ExitCode::kUsage, fmt::format("{}: there is no study", path.string()),
                "Begin it with the same command, without --status.");
  }
  check_same_base(path / "study.json", plan.base,
                  fmt::format("It was begun by: {}", command_of(path / "study.json")));
  return StudyFolder(path);
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
  if (state.stage != TrialStage::kDone && TrialLock::is_held(lock(trial)))
    state.stage = TrialStage::kRunning;
  if (state.stage == TrialStage::kRunning || state.stage == TrialStage::kWaiting) {
    const auto rows =
        fs::exists(run(trial)) ? read_metrics(run(trial)) : std::vector<EpochMetrics>{};
    if (!rows.empty()) state.epochs_done = rows.back().epoch;
    for (const EpochMetrics& row : rows) state.epoch_seconds += row.epoch_seconds;
  }
  return state;
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
