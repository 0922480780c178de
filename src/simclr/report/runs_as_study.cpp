#include "simclr/report/runs_as_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

std::string folder_name(const fs::path& run) {
  return fs::absolute(run / ".").lexically_normal().parent_path().filename().string();
}

/// Between the path of a weights file and its encoder's digest in init.txt.
constexpr std::string_view kEncoderMark = ", encoder SHA-256 ";

/// What runs began with, by their init.txt. The same encoder has one name, wherever it lay.
class StartNames {
 public:
  /// "random weights", "encoder.pth 0a1b2c3d", or "unknown" of a run that does not say.
  std::string name_of(const std::string& start) {
    if (start.empty()) return "unknown";
    const std::size_t mark = start.rfind(kEncoderMark);
    if (mark == std::string::npos) return start;
    const std::string sha256 = start.substr(mark + kEncoderMark.size());
    const std::string file = fs::path(start.substr(0, mark)).filename().string();
    const std::string name = fmt::format("{} {}", file, sha256.substr(0, 8));
    return names_.try_emplace(sha256, name).first->second;
  }

 private:
  std::map<std::string, std::string> names_;  ///< SHA-256 -> as it was called first
};

/// Settings in which any of the runs differs from the first, the seed left out.
std::vector<std::string> keys_that_differ(const std::vector<TrialRecord>& trials) {
  std::set<std::string> differing;
  for (const TrialRecord& trial : trials) {
    for (const std::string& key :
         differing_keys(trials.front().records->settings, trial.records->settings))
      differing.insert(key);
  }
  for (const char* key : {"train.seed", "run.workers", "run.threads", "data.cache"})
    differing.erase(key);
  std::vector<std::string> keys;  // in the order of the schema
  for (const Field& field : all_fields())
    if (differing.contains(field.key())) keys.push_back(field.key());
  return keys;
}

TrialRecord run_as_trial(const fs::path& run) {
  TrialRecord trial;
  trial.name = folder_name(run);
  trial.run = run;
  trial.records = read_run_records(run);
  trial.seed = trial.records->settings.train.seed;
  const std::string& start = trial.records->start;
  if (const std::size_t mark = start.rfind(kEncoderMark); mark != std::string::npos)
    trial.init = start.substr(0, mark);
  trial.stage = trial.records->results.empty() ? "" : "done";
  for (const EpochMetrics& epoch : trial.records->epochs) trial.seconds += epoch.epoch_seconds;
  return trial;
}

bool has_seed(const StudyRecords& study, const ArmRecord& arm, std::uint64_t seed) {
  return std::any_of(arm.trials.begin(), arm.trials.end(),
                     [&](std::size_t i) { return study.trials[i].seed == seed; });
}

/// Runs that differ in nothing but the seed are seeds of one arm; one that was run twice is two.
SubStudyRecord arms_of_runs(const StudyRecords& study) {
  StartNames names;
  std::vector<std::string> starts;
  for (const TrialRecord& trial : study.trials)
    starts.push_back(names.name_of(trial.records->start));
  SubStudyRecord sub{"runs", "Runs", keys_that_differ(study.trials), {}, "runs"};
  const bool same_start = std::set(starts.begin(), starts.end()).size() == 1;
  for (std::size_t i = 0; i < study.trials.size(); ++i) {
    const TrialRecord& trial = study.trials[i];
    ArmRecord arm{trial.name, {}, {i}};
    for (const std::string& key : sub.keys)
      arm.values[key] = find_field(key).get(trial.records->settings);
    if (!same_start) arm.values["init"] = starts[i];
    const auto twin = std::find_if(sub.arms.begin(), sub.arms.end(), [&](const ArmRecord& a) {
      return a.values == arm.values && !has_seed(study, a, trial.seed);
    });
    if (twin == sub.arms.end()) {
      sub.arms.push_back(std::move(arm));
    } else {
      twin->trials.push_back(i);
    }
  }
  if (!same_start) sub.keys.insert(sub.keys.begin(), "init");
  return sub;
}

}  // namespace

StudyRecords runs_as_study(const std::vector<fs::path>& runs) {
  if (runs.empty())
    throw Error(
        ExitCode::kUsage, "there is nothing to compare: no trial is done yet",
        "Wait for the first, or name runs. `simclr study` with --status shows how far one is.");
  StudyRecords study;
  study.title = "Comparison of runs";
  std::set<fs::path> known;
  for (const fs::path& run : runs)
    if (known.insert(fs::weakly_canonical(run)).second) study.trials.push_back(run_as_trial(run));
  study.base = study.trials.front().records->settings;
  study.sub_studies = {arms_of_runs(study)};
  return study;
}

}  // namespace simclr
