#include "cli/result_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace simclr::cli {
namespace {

std::string percent(const EvaluationResult& result) {
  if (!result.test_deviation) return fmt::format("{:.2f} %", 100 * result.test_accuracy);
  return fmt::format("{:.2f} \u00b1 {:.2f} %", 100 * result.test_accuracy,
                     100 * *result.test_deviation);
}

/// Test accuracy for each k, where the protocol has several.
std::string rows_by_k(const EvaluationPair& pair, bool pixels) {
  const auto by_k = [](const EvaluationResult& result) {
    return nlohmann::json::parse(result.json)["details"].value("by_k", nlohmann::json::object());
  };
  const nlohmann::json random = by_k(pair.random);
  const nlohmann::json trained = by_k(pair.trained);
  if (trained.size() < 2) return "";
  std::vector<std::int64_t> numbers;
  for (const auto& [k, scores] : trained.items()) numbers.push_back(std::stoll(k));
  std::sort(numbers.begin(), numbers.end());
  std::string rows;
  for (const std::int64_t number : numbers) {
    const std::string k = std::to_string(number);
    const auto cell = [&](const nlohmann::json& scores) {
      return fmt::format("{:.2f} %", 100 * scores[k]["test_accuracy"].get<double>());
    };
    rows += fmt::format("{:<22}{:>18}", "  k = " + k, cell(random));
    if (pixels) rows += fmt::format("{:>18}", pair.pixels ? cell(by_k(*pair.pixels)) : "");
    rows += fmt::format("{:>18}\n", cell(trained));
  }
  return rows;
}

}  // namespace

std::string result_table(const std::vector<EvaluationPair>& pairs) {
  const bool pixels = std::any_of(pairs.begin(), pairs.end(),
                                  [](const EvaluationPair& pair) { return !!pair.pixels; });
  std::string table = fmt::format("{:<22}{:>18}", "test accuracy", "random encoder");
  if (pixels) table += fmt::format("{:>18}", "raw pixels");
  table += fmt::format("{:>18}{:>14}\n", "trained encoder", "difference");
  for (const EvaluationPair& pair : pairs) {
    table += fmt::format("{:<22}{:>18}", pair.trained.name, percent(pair.random));
    if (pixels) table += fmt::format("{:>18}", pair.pixels ? percent(*pair.pixels) : "");
    table += fmt::format("{:>18}{:>+14.2f}\n", percent(pair.trained),
                         100 * (pair.trained.test_accuracy - pair.random.test_accuracy));
    table += rows_by_k(pair, pixels);
  }
  return table;
}

std::string result_json(const std::vector<EvaluationPair>& pairs) {
  std::string json;
  for (const EvaluationPair& pair : pairs) {
    json += (json.empty() ? "" : ",\n") + pair.random.json + ",\n";
    if (pair.pixels) json += pair.pixels->json + ",\n";
    json += pair.trained.json;
  }
  return "[" + json + "]\n";
}

}  // namespace simclr::cli
