#include "cli/result_table.h"

#include <fmt/format.h>

namespace simclr::cli {

std::string result_table(const std::vector<EvaluationPair>& pairs) {
  std::string table = fmt::format("{:<22}{:>16}{:>18}{:>14}\n", "test accuracy", "random encoder",
                                  "trained encoder", "difference");
  for (const EvaluationPair& pair : pairs) {
    const double random = 100 * pair.random.test_accuracy;
    const double trained = 100 * pair.trained.test_accuracy;
    table += fmt::format("{:<22}{:>14.2f} %{:>16.2f} %{:>+14.2f}\n", name_of(pair.trained.protocol),
                         random, trained, trained - random);
  }
  return table;
}

std::string result_json(const std::vector<EvaluationPair>& pairs) {
  std::string json;
  for (const EvaluationPair& pair : pairs) {
    json +=
        fmt::format("{}{},\n{}", json.empty() ? "" : ",\n", pair.random.json, pair.trained.json);
  }
  return "[" + json + "]\n";
}

}  // namespace simclr::cli
