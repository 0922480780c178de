#include "simclr/report/metric_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::vector<Json> read_rows(const fs::path& run) {
  const fs::path file = run / "metrics.jsonl";
  if (!fs::exists(file)) {
    throw Error(ExitCode::kUsage, fmt::format("{}: no metrics.jsonl", run.string()),
                "Give the folder that `simclr pretrain --out` wrote.");
  }
  std::vector<Json> rows;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    rows.push_back(Json::parse(line, nullptr, false));
    if (!rows.back().is_object()) {
      throw Error(ExitCode::kData,
                  fmt::format("{}:{}: not a line of metrics", file.string(), rows.size()),
                  "Restore the file, or train again into a new folder.");
    }
  }
  return rows;
}

/// Accuracies are shares; everything else is drawn as it is.
bool is_accuracy(const std::string& metric) {
  return metric.ends_with("accuracy") || metric.ends_with("top1");
}

}  // namespace

Plot metric_plot(const std::vector<fs::path>& runs, const std::vector<std::string>& metrics) {
  std::string title;
  for (const std::string& metric : metrics) title += (title.empty() ? "" : ", ") + metric;
  Plot plot{title, "epoch", title,
            "",    {},      std::all_of(metrics.begin(), metrics.end(), is_accuracy)};
  std::set<std::string> known;
  std::set<std::string> drawn;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::vector<Json> rows = read_rows(runs[r]);
    for (std::size_t m = 0; m < metrics.size(); ++m) {
      Curve curve{m == 0 ? fs::absolute(runs[r] / ".").parent_path().filename().string() : "",
                  {},
                  {},
                  static_cast<int>(r),
                  m == 0   ? Stroke::kSolid
                  : m == 1 ? Stroke::kDashed
                           : Stroke::kDotted};
      for (const Json& row : rows) {
        for (const auto& [key, value] : row.items())
          if (value.is_number()) known.insert(key);
        if (!row.contains("epoch") || !row.contains(metrics[m]) || !row[metrics[m]].is_number())
          continue;
        curve.x.push_back(row["epoch"].get<double>());
        curve.y.push_back(row[metrics[m]].get<double>());
        drawn.insert(metrics[m]);
      }
      plot.curves.push_back(std::move(curve));
    }
  }
  const std::vector<std::string> names(known.begin(), known.end());
  if (names.empty())
    throw Error(ExitCode::kUsage, "no run has finished an epoch: there is nothing to draw",
                "Wait for the first line of its metrics.jsonl.");
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    if (!drawn.contains(metrics[m])) {
      throw Error(
          ExitCode::kUsage, fmt::format("no run has a metric '{}'", metrics[m]),
          fmt::format("{}There are: {}.", did_you_mean(metrics[m], names), fmt::join(names, ", ")));
    }
    if (metrics.size() > 1)
      plot.curves.push_back({metrics[m],
                             {},
                             {},
                             kGrey,
                             m == 0   ? Stroke::kSolid
                             : m == 1 ? Stroke::kDashed
                                      : Stroke::kDotted});
  }
  return plot;
}

}  // namespace simclr
