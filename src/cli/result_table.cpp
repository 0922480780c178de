#include "cli/result_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "simclr/eval/metrics.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::json;

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string percent(const EvaluationResult& result) {
  if (!result.test_deviation) return percent(result.test_accuracy);
  return fmt::format("{:.2f} \u00b1 {:.2f} %", 100 * result.test_accuracy,
                     100 * *result.test_deviation);
}

std::string row_of(const std::string& title, const std::vector<std::string>& cells) {
  std::string row = fmt::format("{:<22}", title);
  for (const std::string& cell : cells) row += fmt::format("{:>19}", cell);
  return row;
}

/// Random encoder, raw pixels if they have a column, trained encoder.
std::vector<std::string> cells_of(const EvaluationPair& pair, bool pixels,
                                  const std::function<std::string(const EvaluationResult&)>& cell) {
  std::vector<std::string> cells{cell(pair.random)};
  if (pixels) cells.push_back(pair.pixels ? cell(*pair.pixels) : "");
  cells.push_back(cell(pair.trained));
  return cells;
}

/// Test accuracy of knn with k neighbours, the mean over the seeds.
double accuracy_at(const EvaluationResult& result, const std::string& k) {
  const Json line = Json::parse(result.json);
  const Json seeds = line.value("details_by_seed", Json::array({line["details"]}));
  double sum = 0.0;
  for (const Json& details : seeds) sum += details["by_k"][k]["test_accuracy"].get<double>();
  return sum / static_cast<double>(seeds.size());
}

/// What else one protocol found: accuracy for each k, and top-5.
std::string more_rows(const EvaluationPair& pair, bool pixels) {
  const Json details = Json::parse(pair.trained.json)["details"];
  const Json by_k = details.value("by_k", Json::object());  // outlives the loop over it
  std::vector<std::int64_t> numbers;
  for (const auto& [k, scores] : by_k.items()) numbers.push_back(std::stoll(k));
  std::sort(numbers.begin(), numbers.end());
  std::string rows;
  for (std::size_t i = 0; numbers.size() > 1 && i < numbers.size(); ++i) {
    const std::string k = std::to_string(numbers[i]);
    rows += row_of("  k = " + k, cells_of(pair, pixels,
                                          [&](const EvaluationResult& result) {
                                            return percent(accuracy_at(result, k));
                                          })) +
            "\n";
  }
  const auto top5 = [](const EvaluationResult& result) { return percent(result.test_top5); };
  return rows + row_of("  top-5", cells_of(pair, pixels, top5)) + "\n";
}

}  // namespace

std::string result_table(const std::vector<EvaluationPair>& pairs) {
  const bool pixels = std::any_of(pairs.begin(), pairs.end(),
                                  [](const EvaluationPair& pair) { return !!pair.pixels; });
  std::vector<std::string> titles{"random encoder"};
  if (pixels) titles.emplace_back("raw pixels");
  titles.emplace_back("trained encoder");
  std::string table = row_of("test accuracy", titles) + fmt::format("{:>14}\n", "difference");
  for (const EvaluationPair& pair : pairs) {
    const auto cell = [](const EvaluationResult& result) { return percent(result); };
    table +=
        row_of(pair.trained.name, cells_of(pair, pixels, cell)) +
        fmt::format("{:>+14.2f}\n", 100 * (pair.trained.test_accuracy - pair.random.test_accuracy));
  }
  return pairs.size() == 1 ? table + more_rows(pairs.front(), pixels) : table;
}

std::string runs_table(std::vector<EvaluationPair> pairs, const std::vector<std::string>& runs) {
  const auto mean_of =
      [&](const std::function<const EvaluationResult&(const EvaluationPair&)>& of) {
        std::vector<double> accuracies;
        for (const EvaluationPair& pair : pairs) accuracies.push_back(of(pair).test_accuracy);
        const Spread spread = spread_of(accuracies);
        EvaluationResult mean = of(pairs.front());
        mean.test_accuracy = spread.mean;
        mean.test_deviation = spread.deviation;
        return mean;
      };
  EvaluationPair mean{mean_of([](const EvaluationPair& p) -> const auto& { return p.random; }),
                      mean_of([](const EvaluationPair& p) -> const auto& { return p.trained; })};
  if (pairs.front().pixels)
    mean.pixels = mean_of([](const EvaluationPair& p) -> const auto& { return *p.pixels; });
  mean.trained.name += fmt::format(", {} runs", runs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].trained.name = runs[i];
  pairs.push_back(mean);
  return result_table(pairs);
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
