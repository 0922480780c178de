#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace simclr {

/// What one epoch came to. Losses are means over images; accuracies are shares: contrastive top-1
/// among 2N - 1, or of labels where the objective is supervised.
struct EpochMetrics {
  std::int64_t epoch = 0;  ///< 1-based
  std::int64_t epochs = 0;
  std::int64_t step = 0;  ///< optimizer steps so far
  std::string objective;
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double val_loss = 0.0;
  double val_accuracy = 0.0;
  double lr = 0.0;                ///< of the epoch's last step
  double views_per_second = 0.0;  ///< of the training part, loader included
  double epoch_seconds = 0.0;     ///< training and validation
};

/// "Epoch 1/40  Train Loss: 3.205950, Train Acc: 0.031250 | Val Loss: ..., Val Acc: ..."
std::string epoch_line(const EpochMetrics& metrics);

/// A run's metrics.jsonl and metrics.csv: the same rows twice, each written whole and atomically.
void write_metrics(const std::filesystem::path& run, const std::vector<EpochMetrics>& rows);

/// Rows of metrics.jsonl, none if there is no such file. @throws Error(kData) with file and line
std::vector<EpochMetrics> read_metrics(const std::filesystem::path& run);

}  // namespace simclr
