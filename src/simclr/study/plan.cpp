#include "simclr/study/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/sha256.h"
#include "simclr/eval/protocols.h"
#include "simclr/train/pretrain.h"

namespace simclr {
namespace {

constexpr std::size_t kLongestName = 80;

/// Names of folders are for people and shells: anything unusual becomes '_'.
std::string plain(std::string name) {
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
        std::string("=.,-_").find(c) == std::string::npos)
      c = '_';
  }
  return name;
}

/// Whether weights come from a file, and not from the generator or the study itself.
bool from_file(const Trial& trial) { return trial.init != "random" && trial.init != "source"; }

/// Of what stands in the file: it may lie elsewhere on another machine.
std::string file_sha256(const std::string& path, const std::string& where) {
  if (!std::filesystem::is_regular_file(path)) {
    throw Error(ExitCode::kUsage, fmt::format("{}: init {}: no such file", where, path),
                "Arms start from `random`, from `source`, or from the path of a weights file.");
  }
  const std::string content = read_file(path);
  Sha256 hash;
  hash.update(content.data(), content.size());
  return hash.hex_digest();
}

std::string trial_name(const Trial& trial, const Settings& base) {
  std::string name;
  const auto add = [&](const std::string& what, const std::string& value) {
    name += fmt::format("{}{}={}", name.empty() ? "" : ",", what, value);
  };
  for (const std::string& key : differing_keys(base, trial.settings)) {
    if (decides_nothing(key)) continue;
    const Field& field = find_field(key);
    add(field.flag, field.get(trial.settings));
  }
  if (from_file(trial)) add("init", std::filesystem::path(trial.init).filename().string());
  if (trial.init == "source") add("init", trial.init);
  if (name.empty()) return "base";
  name = plain(name);
  if (name.size() <= kLongestName) return name;
  return name.substr(0, kLongestName) + "-" + trial.identity.substr(0, 8);
}

/// `base` with an arm's values over it.
Trial with_values(const Settings& base, const std::vector<const ArmValues*>& layers,
                  const std::string& where) {
  Trial trial{.name = "", .settings = base, .init = "random", .identity = ""};
  SettingsBuilder builder;
  builder.apply_yaml(to_yaml(base), "the study's base");
  for (const ArmValues* values : layers) {
    for (const auto& [key, value] : *values) {
      if (key == "init") {
        trial.init = value;
        continue;
      }
      try {
        builder.set(key, value, where);
      } catch (const Error& error) {
        throw Error(error.code(), fmt::format("{}: {}", where, error.what()), error.hint());
      }
    }
  }
  trial.settings = builder.resolve();
  return trial;
}

/// Collects trials, each once.
class Trials {
 public:
  explicit Trials(StudyPlan& plan) : plan_(plan) {}

  /// @param where  for errors
  std::size_t add(Trial trial, const std::string& where, const std::string& name = "") {
    trial.identity = trial_identity(trial.settings, start_of(trial, where));
    const auto [found, is_new] = known_.try_emplace(trial.identity, plan_.trials.size());
    if (is_new) {
      trial.name = name.empty() ? trial_name(trial, plan_.base) : name;
      if (!names_.insert(trial.name).second) trial.name += "-" + trial.identity.substr(0, 8);
      plan_.trials.push_back(std::move(trial));
    }
    return found->second;
  }

 private:
  std::string start_of(const Trial& trial, const std::string& where) {
    if (trial.init == "source") return "source " + plan_.trials[*plan_.source].identity;
    if (!from_file(trial)) return trial.init;
    std::string& digest = digests_[trial.init];
    if (digest.empty()) digest = file_sha256(trial.init, where);
    return "file " + digest;
  }

  StudyPlan& plan_;
  std::map<std::string, std::size_t> known_;  ///< identity -> trial
  std::set<std::string> names_;
  std::map<std::string, std::string> digests_;  ///< weights file -> SHA-256
};

void add_source(const StudyFile& file, StudyPlan& plan, Trials& trials) {
  if (!file.source) {
    throw Error(ExitCode::kUsage, "an arm starts from init 'source', and the study has no source",
                "Give a weights file with --init, or settings of the run that makes them: "
                "`source: {train: {objective: supervised, epochs: 10}}`.");
  }
  SettingsBuilder builder;
  builder.apply_yaml(to_yaml(plan.base), "the study's base");
  builder.apply_yaml(*file.source, "the study's source");
  plan.source = trials.add({"", builder.resolve(), "random", ""}, "source", "source");
}

}  // namespace

bool decides_nothing(const std::string& key) {
  return key != "train.epochs" && may_change_on_resume(key);
}

std::string trial_identity(const Settings& settings, const std::string& init) {
  Sha256 hash;
  std::string text = "init=" + init + "\n";
  for (const Field& field : all_fields()) {
    if (!decides_nothing(field.key())) text += field.key() + "=" + field.get(settings) + "\n";
  }
  hash.update(text.data(), text.size());
  return hash.hex_digest();
}

StudyPlan make_plan(const StudyFile& file, const Settings& base, const std::string& weights_file) {
  StudyPlan plan;
  plan.title = file.title;
  plan.base = base;
  plan.chosen = file.chosen;
  plan.protocols = file.protocols;
  plan.measure = file.measure;
  if (plan.measure.batch_size == 0) plan.measure.batch_size = base.train.batch_size;
  plan.claims = file.claims;
  Trials trials(plan);
  for (const SubStudySpec& spec : file.sub_studies) {
    SubStudy sub{spec.name, spec.title, spec.keys, {}};
    std::vector<std::uint64_t> seeds = spec.seeds.empty() ? file.seeds : spec.seeds;
    if (seeds.empty()) seeds = {base.train.seed};
    for (const ArmSpec& arm_spec : spec.arms) {
      Arm arm{arm_spec.label, arm_spec.values, {}};
      for (const std::uint64_t seed : seeds) {
        Settings seeded = base;
        seeded.train.seed = seed;
        const std::string where = fmt::format("{}, {}", spec.name, arm_spec.label);
        Trial trial = with_values(seeded, {&spec.base, &arm_spec.values}, where);
        if (trial.init == "source" && !weights_file.empty()) trial.init = weights_file;
        if (trial.init == "source" && !plan.source) add_source(file, plan, trials);
        arm.trials.push_back(trials.add(std::move(trial), where));
      }
      sub.arms.push_back(std::move(arm));
    }
    plan.sub_studies.push_back(std::move(sub));
  }
  return plan;
}

std::string to_json(const StudyPlan& plan, const std::string& command) {
  using Json = nlohmann::ordered_json;
  Json json{{"title", plan.title},
            {"command", command},
            {"base", to_yaml(plan.base)},
            {"chosen", plan.chosen},
            {"protocols", plan.protocols},
            {"measure",
             {{"batch_size", plan.measure.batch_size}, {"temperature", plan.measure.temperature}}}};
  json["source"] = plan.source ? Json(plan.trials[*plan.source].name) : Json(nullptr);
  json["trials"] = Json::array();
  for (const Trial& trial : plan.trials) {
    json["trials"].push_back({{"name", trial.name},
                              {"seed", trial.settings.train.seed},
                              {"init", trial.init},
                              {"identity", trial.identity},
                              {"results", Json::object()}});
    for (const auto& [protocol, name] : EnumNames<Protocol>::table)
      json["trials"].back()["results"][name] = result_name(protocol, trial.settings);
  }
  json["sub_studies"] = Json::array();
  for (const SubStudy& sub : plan.sub_studies) {
    Json arms = Json::array();
    for (const Arm& arm : sub.arms) {
      Json names = Json::array();
      for (const std::size_t trial : arm.trials) names.push_back(plan.trials[trial].name);
      arms.push_back({{"label", arm.label}, {"values", Json::object()}, {"trials", names}});
      for (const auto& [key, value] : arm.values) arms.back()["values"][key] = value;
    }
    json["sub_studies"].push_back(
        {{"name", sub.name}, {"title", sub.title}, {"keys", sub.keys}, {"arms", arms}});
  }
  json["claims"] = Json::array();
  for (const Claim& claim : plan.claims) {
    json["claims"].push_back({{"text", claim.text},
                              {"in", claim.sub_study},
                              {"figure", claim.figure},
                              {"rule", claim.rule},
                              {"arms", claim.arms},
                              {"within", claim.within}});
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace simclr
