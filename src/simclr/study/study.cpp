#include "simclr/study/study.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/data/open.h"
#include "simclr/eval/evaluate_run.h"
#include "simclr/train/pretrain.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

/// Folder names for people and shells: anything unusual in a value becomes '_'.
std::string folder_name(const std::string& setting, const std::string& value) {
  std::string name = setting + "=" + value;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
        std::string("=.-_").find(c) == std::string::npos)
      c = '_';
  }
  return name;
}

Settings with_value(const Settings& base, const Field& field, const std::string& value) {
  Settings settings = base;
  field.set(settings, value);
  SettingsBuilder check;
  check.apply_yaml(to_yaml(settings), fmt::format("{}={}", field.key(), value));
  return check.resolve();
}

void check_folder(const StudyOptions& options) {
  const bool in_use =
      fs::exists(options.out) && !(fs::is_directory(options.out) && fs::is_empty(options.out));
  if (!in_use || options.resume || options.overwrite) return;
  throw Error(ExitCode::kUsage, fmt::format("{} exists", options.out.string()),
              "Choose another --out, go on by --resume, or replace its arms by --overwrite.");
}

/// Protocols that already stand in a run's results.
std::set<std::string> finished_protocols(const fs::path& run) {
  std::set<std::string> protocols;
  const fs::path path = run / "results.jsonl";
  if (!fs::exists(path)) return protocols;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("encoder", "") == "trained")
      protocols.insert(json.value("protocol", ""));
  }
  return protocols;
}

void evaluate_arm(const fs::path& run, const Settings& settings, const std::string& command,
                  EventSink& sink) {
  const std::set<std::string> finished = finished_protocols(run);
  std::optional<RunEvaluator> evaluator;
  for (const auto& [protocol, name] : EnumNames<Protocol>::table) {
    if (finished.contains(std::string(name))) continue;
    if (!evaluator) evaluator.emplace(EvaluationOptions{{.run = run}, settings, command}, sink);
    const EvaluationPair pair = evaluator->evaluate(protocol);
    sink.message(fmt::format("{}: test accuracy {:.2f} %, random encoder {:.2f} %", name,
                             100 * pair.trained.test_accuracy, 100 * pair.random.test_accuracy));
  }
}

/// @return true if it was interrupted
bool run_arm(const StudyOptions& options, const Settings& settings, StudyTrial& trial,
             EventSink& sink) {
  PretrainOptions pretraining{.settings = settings, .out = trial.run, .command = options.command};
  pretraining.overwrite = options.overwrite;
  pretraining.resume = options.resume && fs::exists(trial.run / "config.yaml");
  pretraining.stop = options.stop;
  try {
    if (pretrain(pretraining, sink).interrupted) return true;
    evaluate_arm(trial.run, settings, options.command, sink);
  } catch (const Error& error) {
    if (error.code() != ExitCode::kDiverged) throw;
    trial.failure = error.what();
    sink.message(fmt::format("This arm failed: {}", error.what()));
  }
  return options.stop();
}

}  // namespace

StudyResult run_study(const StudyOptions& options, EventSink& sink) {
  const Field& field = find_field(options.setting);
  std::vector<Settings> arms;
  StudyResult result;
  for (const std::string& value : options.values) {
    arms.push_back(with_value(options.base, field, value));
    result.trials.push_back({value, options.out / folder_name(field.flag, value), ""});
  }
  check_folder(options);
  require_labels(open_data(options.base.data, sink), "a study");
  for (std::size_t i = 0; i < arms.size(); ++i) {
    sink.message(
        fmt::format("Arm {}/{}: {} = {}", i + 1, arms.size(), field.key(), options.values[i]));
    result.interrupted = run_arm(options, arms[i], result.trials[i], sink);
    if (result.interrupted) break;
  }
  return result;
}

}  // namespace simclr
