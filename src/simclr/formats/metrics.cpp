#include "simclr/formats/metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <type_traits>

#include "simclr/core/error.h"
#include "simclr/core/files.h"

namespace simclr {

namespace {

using Json = nlohmann::ordered_json;

/// Calls visit(name, member) for every column, in the order of metrics.csv.
template <class Metrics, class Visit>
void visit_columns(Metrics&& m, Visit&& visit) {
  visit("epoch", m.epoch);
  visit("epochs", m.epochs);
  visit("step", m.step);
  visit("objective", m.objective);
  visit("train_loss", m.train_loss);
  visit("train_accuracy", m.train_accuracy);
  visit("val_loss", m.val_loss);
  visit("val_accuracy", m.val_accuracy);
  visit("lr", m.lr);
  visit("views_per_second", m.views_per_second);
  visit("epoch_seconds", m.epoch_seconds);
  visit("loader_share", m.loader_share);
  visit("step_share", m.step_share);
  visit("evaluation_share", m.evaluation_share);
  visit("saving_share", m.saving_share);
  visit("gradient_norm", m.gradient_norm);
  visit("knn_accuracy", m.knn_accuracy);
  visit("probe_accuracy", m.probe_accuracy);
  visit("alignment", m.alignment);
  visit("uniformity", m.uniformity);
  visit("effective_rank", m.effective_rank);
}

template <class T>
std::string cell(const T& value) {
  if constexpr (std::is_same_v<T, double>)
    if (std::isnan(value)) return "";
  return fmt::format("{}", value);
}

std::string json_line(const EpochMetrics& metrics) {
  Json line;
  visit_columns(metrics, [&](const char* name, const auto& value) { line[name] = value; });
  return line.dump() + "\n";
}

EpochMetrics from_json(const Json& line) {
  EpochMetrics metrics;
  visit_columns(metrics, [&](const char* name, auto& value) {
    using T = std::remove_reference_t<decltype(value)>;
    if constexpr (std::is_same_v<T, double>)
      if (std::isnan(value) && (!line.contains(name) || line[name].is_null())) return;
    value = line.at(name).template get<T>();
  });
  return metrics;
}

}  // namespace

std::vector<std::pair<std::string, double>> measured_columns(const EpochMetrics& metrics) {
  std::vector<std::pair<std::string, double>> columns;
  visit_columns(metrics, [&](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, double>)
      if (!std::isnan(value)) columns.emplace_back(name, value);
  });
  return columns;
}

std::string epoch_line(const EpochMetrics& m) {
  std::string line = fmt::format(
      "Epoch {}/{}  Train Loss: {:.6f}, Train Acc: {:.6f} | Val Loss: {:.6f}, Val Acc: {:.6f} | "
      "{:.0f} views/s",
      m.epoch, m.epochs, m.train_loss, m.train_accuracy, m.val_loss, m.val_accuracy,
      m.views_per_second);
  if (!std::isnan(m.knn_accuracy)) line += fmt::format(" | knn {:.1f} %", 100.0 * m.knn_accuracy);
  if (!std::isnan(m.probe_accuracy))
    line += fmt::format(" | probe {:.1f} %", 100.0 * m.probe_accuracy);
  return line;
}

void write_metrics(const std::filesystem::path& run, const std::vector<EpochMetrics>& rows) {
  std::string jsonl;
  std::string csv;
  visit_columns(EpochMetrics{}, [&](const char* name, const auto&) {
    csv += fmt::format("{}{}", csv.empty() ? "" : ",", name);
  });
  csv += '\n';
  for (const EpochMetrics& row : rows) {
    jsonl += json_line(row);
    std::string line;
    visit_columns(row, [&](const char*, const auto& value) { line += cell(value) + ","; });
    line.back() = '\n';
    csv += line;
  }
  write_file_atomically(run / "metrics.jsonl", jsonl);
  write_file_atomically(run / "metrics.csv", csv);
}

std::vector<EpochMetrics> read_metrics(const std::filesystem::path& run) {
  const std::filesystem::path path = run / "metrics.jsonl";
  std::vector<EpochMetrics> rows;
  if (!std::filesystem::exists(path)) return rows;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    try {
      rows.push_back(from_json(Json::parse(line)));
    } catch (const nlohmann::json::exception& error) {
      throw Error(ExitCode::kData,
                  fmt::format("{}:{}: not a line of metrics: {}", path.string(), rows.size() + 1,
                              error.what()),
                  "Restore the file, or train again into a new folder.");
    }
  }
  return rows;
}

}  // namespace simclr
