#pragma once

#include <map>
#include <nlohmann/json.hpp>

#include "simclr/report/study_records.h"
#include "tests/report/sample_run.h"

namespace simclr {

/// A study in memory: arms by label, each with the fine-tuned accuracy of its seeds 0, 1, ...
inline StudyRecords study_of(const std::vector<std::pair<std::string, std::vector<double>>>& arms) {
  StudyRecords study;
  study.title = "sample";
  SubStudyRecord sub{"a", "a", {"loss.temperature"}, {}, "a"};
  for (const auto& [label, accuracies] : arms) {
    ArmRecord arm{label, {{"loss.temperature", label}}, {}};
    for (std::size_t seed = 0; seed < accuracies.size(); ++seed) {
      TrialRecord trial;
      trial.name = label + "-" + std::to_string(seed);
      trial.seed = seed;
      trial.stage = "done";
      trial.records.emplace();
      ResultRecord result;
      result.protocol = "finetune";
      result.trained = true;
      result.test_accuracy = accuracies[seed];
      result.test_images = 10000;
      trial.records->results["finetune"].trained = result;
      arm.trials.push_back(study.trials.size());
      study.trials.push_back(std::move(trial));
    }
    sub.arms.push_back(std::move(arm));
  }
  study.sub_studies = {sub};
  return study;
}

/// The folder of a study of temperatures 0.1 (two seeds, evaluated) and `other` (trained alone), as
/// `simclr study` leaves it.
inline void write_sample_study(const std::filesystem::path& folder,
                               const std::string& other = "0.5",
                               const std::string& title = "Sample study") {
  namespace fs = std::filesystem;
  using Json = nlohmann::json;
  for (const char* part : {"trials", "states", "measures"}) fs::create_directories(folder / part);
  Json trials = Json::array();
  const auto add = [&](const std::string& name, int seed, double gain) {
    Settings settings;
    settings.train.seed = static_cast<std::uint64_t>(seed);
    write_sample_run(folder / "trials" / name, settings);
    if (gain > 0) write_sample_results(folder / "trials" / name, gain);
    const std::string stage = gain > 0 ? "done" : "failed";
    write_file_atomically(folder / "states" / (name + ".json"),
                          Json{{"identity", name},
                               {"stage", stage},
                               {"seconds", 60.0},
                               {"reason", gain > 0 ? "" : "the loss is not finite"}}
                              .dump());
    const Json measure{{"loss", 4.5}, {"top1", 0.25}, {"feature_top1", 0.5}};
    write_file_atomically(folder / "measures" / (name + ".json"),
                          Json{{"trained", measure}, {"initial", measure}}.dump());
    trials.push_back({{"name", name}, {"seed", seed}, {"init", "random"}, {"identity", name}});
  };
  add("one", 0, 0.5);
  add("two", 1, 0.25);
  add("three", 0, 0.0);
  const Json arms{
      {{"label", "0.1"}, {"values", {{"loss.temperature", "0.1"}}}, {"trials", {"one", "two"}}},
      {{"label", other}, {"values", {{"loss.temperature", other}}}, {"trials", {"three"}}}};
  const Json study{{"title", title},
                   {"command", "simclr study s.yaml"},
                   {"base", to_yaml(Settings{})},
                   {"chosen", {"optim.lr"}},
                   {"protocols", {"knn", "linear", "finetune"}},
                   {"measure", {{"batch_size", 256}, {"temperature", 0.5}}},
                   {"source", nullptr},
                   {"trials", trials},
                   {"sub_studies",
                    {{{"name", "temperature"},
                      {"title", "temperature"},
                      {"keys", {"loss.temperature"}},
                      {"arms", arms}}}},
                   {"claims",
                    {{{"text", "larger is better"},
                      {"in", "temperature"},
                      {"figure", "finetune"},
                      {"rule", "rises"},
                      {"arms", Json::array()},
                      {"within", 0.0}}}}};
  write_file_atomically(folder / "study.json", study.dump());
}

}  // namespace simclr
