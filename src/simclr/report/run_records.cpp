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

ResultRecord to_result(const Json& json) {
  ResultRecord result;
  result.protocol = json.at("protocol").get<std::string>();
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

/// One record a line. A line that does not fit says where it stands.
std::vector<ResultRecord> read_results(const fs::path& path) {
  std::vector<ResultRecord> results;
  std::size_t number = 0;
  std::istringstream lines(read_if_there(path));
  for (std::string line; std::getline(lines, line);) {
    try {
      ++number;
      const Json json = Json::parse(line);
      if (json.at("encoder") == "pixels") continue;  // not an encoder
      results.push_back(to_result(json));
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
  records.environment = read_environment(run / "environment.json");
  records.epochs = read_metrics(run);
  for (const ResultRecord& result : read_results(run / "results.jsonl")) {
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
