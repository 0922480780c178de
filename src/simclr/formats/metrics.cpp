#include "simclr/formats/metrics.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "simclr/core/error.h"
#include "simclr/core/files.h"

namespace simclr {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochMetrics, epoch, epochs, step, objective, train_loss,
                                   train_accuracy, val_loss, val_accuracy, lr, views_per_second,
                                   epoch_seconds)

namespace {

std::string csv_line(const EpochMetrics& m) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", m.epoch, m.epochs, m.step, m.objective,
                     m.train_loss, m.train_accuracy, m.val_loss, m.val_accuracy, m.lr,
                     m.views_per_second, m.epoch_seconds);
}

}  // namespace

std::string epoch_line(const EpochMetrics& m) {
  return fmt::format(
      "Epoch {}/{}  Train Loss: {:.6f}, Train Acc: {:.6f} | Val Loss: {:.6f}, Val Acc: {:.6f} | "
      "{:.0f} views/s",
      m.epoch, m.epochs, m.train_loss, m.train_accuracy, m.val_loss, m.val_accuracy,
      m.views_per_second);
}

void write_metrics(const std::filesystem::path& run, const std::vector<EpochMetrics>& rows) {
  std::string jsonl;
  std::string csv =
      "epoch,epochs,step,objective,train_loss,train_accuracy,val_loss,val_accuracy,lr,views_per_"
      "second,epoch_seconds\n";
  for (const EpochMetrics& row : rows) {
    jsonl += nlohmann::json(row).dump() + "\n";
    csv += csv_line(row);
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
      rows.push_back(nlohmann::json::parse(line).get<EpochMetrics>());
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
