#include "simclr/report/run_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kProtocolTitles{
    {{"knn", "kNN"}, {"linear", "linear evaluation"}, {"finetune", "fine-tuning"}}};

std::string read_if_there(const fs::path& path) {
  return fs::exists(path) ? read_file(path) : std::string();
}

[[noreturn]] void fail(const std::string& place, const std::exception& error,
                       const std::string& hint) {
  const std::string words = error.what();
  const std::size_t prefix = words.find("] ");
  throw Error(
      ExitCode::kData,
      fmt::format("{}: {}", place, words.substr(prefix == std::string::npos ? 0 : prefix + 2)),
      hint);
}

bool is_trained(const std::string& encoder) {
  if (encoder != "trained" && encoder != "random")
    throw std::invalid_argument("encoder is neither 'trained' nor 'random'");
  return encoder == "trained";
}

/// What a run's own results are of.
struct Own {
  std::string test_sha256;  ///< of its test images; "" if it is not kept
  bool weights = false;     ///< it was trained, and not made to keep the results of a file
};

Own own_of(const fs::path& run) {
  const Json json = Json::parse(read_if_there(run / "images.json"), nullptr, false);
  const Json::json_pointer place("/test/sha256");
  const bool said = json.is_object() && json.contains(place) && json[place].is_string();
  return {said ? json[place].get<std::string>() : "",
          fs::exists(run / "checkpoints/best.safetensors") || fs::exists(run / "metrics.jsonl")};
}

/// " of last", " of encoder.pth", " of ema"; "" for the weights that are the run's own.
std::string other_weights(const Json& json, const Own& own) {
  const std::string checkpoint = json.at("checkpoint").get<std::string>();
  const bool is_file = checkpoint != "best" && checkpoint != "last";
  std::string words;
  if (checkpoint == "last" || (is_file && own.weights))
    words = " of " + fs::path(checkpoint).filename().string();
  if (json.value("weights", "") == "ema") words += words.empty() ? " of ema" : ", ema";
  return words;
}

/// " on photos (120 images)"; "" for the test images that are the run's own.
std::string other_images(const Json& json, const Own& own) {
  const std::string test = json.value("test_sha256", "");
  if (test.empty() || own.test_sha256.empty() || test == own.test_sha256) return "";
  return fmt::format(" on {} ({} images)",
                     fs::path(json.value("data", "other images")).filename().string(),
                     json.at("test_images").get<std::int64_t>());
}

/// A result of other weights, or on other images, must not take the place of the run's own.
std::string name_of_result(const Json& json, const Own& own) {
  std::string name = json.at("protocol").get<std::string>();
  name += other_weights(json, own);
  return name + other_images(json, own);
}

ResultRecord to_result(const Json& json, const Own& own) {
  ResultRecord result;
  result.protocol = name_of_result(json, own);
  result.trained = is_trained(json.at("encoder").get<std::string>());
  result.epoch = json.at("epoch").get<std::int64_t>();
  result.test_accuracy = json.at("test_accuracy").get<double>();
  result.protocol_text = json.at("protocol_text").get<std::string>();
  result.checkpoint = json.at("checkpoint").get<std::string>();
  result.encoder_sha256 = json.at("encoder_sha256").get<std::string>();
  result.command = json.at("command").get<std::string>();
  if (json.contains("test_curve")) json.at("test_curve").get_to(result.test_curve);
  if (json.contains("train_curve")) json.at("train_curve").get_to(result.train_curve);
  if (json.contains("validation_accuracy"))
    result.validation_accuracy = json.at("validation_accuracy").get<double>();
  if (json.contains("test_images")) result.test_images = json.at("test_images").get<std::int64_t>();
  return result;
}

/// The random encoder's line stands before that of the trained one that it was scored beside, and
/// does not say which of its weights those were.
void name_random_like_trained(std::vector<ResultRecord>& results, bool same_protocol) {
  if (!same_protocol || results.size() < 2) return;
  const ResultRecord& last = results.back();
  ResultRecord& before = results[results.size() - 2];
  if (last.trained && !before.trained) before.protocol = last.protocol;
}

/// One record a line. A line that does not fit says where it stands.
std::vector<ResultRecord> read_results(const fs::path& path, const Own& own) {
  std::vector<ResultRecord> results;
  std::string protocol_before;
  std::size_t number = 0;
  std::istringstream lines(read_if_there(path));
  for (std::string line; std::getline(lines, line);) {
    try {
      ++number;
      const Json json = Json::parse(line);
      if (json.at("encoder") == "pixels") continue;  // not an encoder
      results.push_back(to_result(json, own));
      const std::string protocol = json.at("protocol").get<std::string>();
      name_random_like_trained(results, protocol == protocol_before);
      protocol_before = protocol;
    } catch (const std::exception& error) {
      fail(fmt::format("{}:{}", path.string(), number), error,
           "Delete that line and run that evaluation again.");
    }
  }
  return results;
}

Settings to_settings(const std::string& yaml, const fs::path& path) {
  try {
    SettingsBuilder builder;
    builder.apply_yaml(yaml, path.string());
    return builder.resolve();
  } catch (const Error& error) {
    throw Error(ExitCode::kData, error.what(), error.hint());
  }
}

std::vector<std::pair<std::string, std::string>> read_environment(const fs::path& path) {
  std::vector<std::pair<std::string, std::string>> environment;
  const std::string text = read_if_there(path);
  if (text.empty()) return environment;
  try {
    const Json json = Json::parse(text);
    for (const auto& [key, value] : json.get_ref<const Json::object_t&>()) {
      environment.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  } catch (const nlohmann::json::exception& error) {
    fail(path.string(), error, "Remove the file: the report then does not name the machine.");
  }
  return environment;
}

}  // namespace

const ResultRecord* RunRecords::result(const std::string& protocol, bool trained) const {
  const auto found = results.find(protocol);
  if (found == results.end()) return nullptr;
  const auto& result = trained ? found->second.trained : found->second.random;
  return result ? &*result : nullptr;
}

std::optional<double> RunRecords::accuracy(const std::string& protocol, bool trained) const {
  const ResultRecord* found = result(protocol, trained);
  if (found == nullptr) return std::nullopt;
  return found->test_accuracy;
}

std::optional<double> RunRecords::test_images(const std::string& protocol) const {
  const ResultRecord* found = result(protocol, true);
  if (found == nullptr || !found->test_images) return std::nullopt;
  return static_cast<double>(*found->test_images);
}

RunRecords read_run_records(const fs::path& run) {
  RunRecords records;
  const fs::path config = run / "config.yaml";
  records.config_yaml = read_if_there(config);
  if (records.config_yaml.empty()) {
    throw Error(ExitCode::kData, fmt::format("{}: missing or empty", config.string()),
                "Give the folder that `simclr pretrain --out` wrote.");
  }
  records.settings = to_settings(records.config_yaml, config);
  records.command = read_if_there(run / "command.txt");
  records.start = read_if_there(run / "init.txt");
  if (records.start.ends_with('\n')) records.start.pop_back();
  records.environment = read_environment(run / "environment.json");
  records.epochs = read_metrics(run);
  for (const ResultRecord& result : read_results(run / "results.jsonl", own_of(run))) {
    ResultPair& pair = records.results[result.protocol];
    (result.trained ? pair.trained : pair.random) = result;
  }
  return records;
}

std::string protocol_title(const std::string& protocol) {
  for (const auto& [name, title] : kProtocolTitles) {
    if (name == protocol) return std::string(title);
  }
  return protocol;
}

bool ProtocolOrder::operator()(const std::string& a, const std::string& b) const {
  const auto rank = [](const std::string& protocol) {
    return std::find_if(kProtocolTitles.begin(), kProtocolTitles.end(),
                        [&](const auto& entry) { return entry.first == protocol; });
  };
  return std::pair(rank(a), a) < std::pair(rank(b), b);
}

}  // namespace simclr
