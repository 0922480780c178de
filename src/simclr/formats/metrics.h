#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace simclr {

/// What one epoch came to. Losses are means over images; accuracies are shares: contrastive top-1
/// among 2N - 1, or of labels where the objective is supervised. NaN: not measured; null in JSON,
/// nothing between the commas in CSV.
struct EpochMetrics {
  static constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

  std::int64_t epoch = 0;  ///< 1-based
  std::int64_t epochs = 0;
  std::int64_t step = 0;  ///< optimizer steps so far
  std::string objective;
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double val_loss = 0.0;
  double val_accuracy = 0.0;
  double lr = 0.0;                         ///< of the epoch's last step
  double views_per_second = 0.0;           ///< of the training part, loader included
  double epoch_seconds = 0.0;              ///< training and validation
  double loader_share = kNotMeasured;      ///< of the epoch's time, waiting for views
  double step_share = kNotMeasured;        ///< forward, backward, update
  double evaluation_share = kNotMeasured;  ///< validation and monitors
  double saving_share = kNotMeasured;      ///< checkpoints, up to this epoch's own
  double gradient_norm = kNotMeasured;     ///< mean over steps
  double knn_accuracy = kNotMeasured;      ///< of validation images, by their nearest others
  double probe_accuracy = kNotMeasured;  ///< of validation images, by the online linear classifier
  double alignment = kNotMeasured;       ///< of validation projections, 0 to 4
  double uniformity = kNotMeasured;      ///< likewise, 0 and below
  double effective_rank = kNotMeasured;  ///< of validation features
};

/// "Epoch 1/40  Train Loss: 3.205950, Train Acc: 0.031250 | Val Loss: ..., Val Acc: ..."
std::string epoch_line(const EpochMetrics& metrics);

/// The columns that are numbers with a fraction and were measured, by name.
std::vector<std::pair<std::string, double>> measured_columns(const EpochMetrics& metrics);

/// A run's metrics.jsonl and metrics.csv: the same rows twice, each written whole and atomically.
void write_metrics(const std::filesystem::path& run, const std::vector<EpochMetrics>& rows);

/// Rows of metrics.jsonl, none if there is no such file. @throws Error(kData) with file and line
std::vector<EpochMetrics> read_metrics(const std::filesystem::path& run);

}  // namespace simclr
