#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/formats/metrics.h"

namespace simclr {

/// A line of results.jsonl: one encoder scored by one protocol.
struct ResultRecord {
  /// Of other weights than the run's best, or on other test images than its own, it says so: "knn
  /// of last", "knn of ema", "knn of encoder.pth", "knn on photos (120 images)".
  std::string protocol;
  bool trained = false;
  std::int64_t epoch = 0;      ///< of the checkpoint
  double test_accuracy = 0.0;  ///< share
  std::string protocol_text;   ///< the protocol in words
  std::string checkpoint;
  std::string encoder_sha256;
  std::string command;
  std::vector<double> test_curve;   ///< per epoch of fine-tuning, else empty
  std::vector<double> train_curve;  ///< likewise
  std::optional<double> validation_accuracy;
  std::optional<std::int64_t> test_images;
};

/// Both encoders under one protocol; either may not have been scored.
struct ResultPair {
  std::optional<ResultRecord> random;
  std::optional<ResultRecord> trained;
};

/// kNN, linear evaluation, fine-tuning, then any other by name.
struct ProtocolOrder {
  bool operator()(const std::string& a, const std::string& b) const;
};

/// Everything a run folder holds for its readers.
struct RunRecords {
  Settings settings;
  std::string config_yaml;
  std::string command;  ///< "" if not kept
  std::string start;    ///< init.txt: "random weights", or a file and its encoder; "" if not kept
  std::vector<std::pair<std::string, std::string>> environment;  ///< in the file's order
  std::vector<EpochMetrics> epochs;
  std::map<std::string, ResultPair, ProtocolOrder> results;  ///< the last of each encoder

  /// Test accuracy, nothing if that was not scored.
  std::optional<double> accuracy(const std::string& protocol, bool trained) const;
  /// A result, or nullptr.
  const ResultRecord* result(const std::string& protocol, bool trained) const;
  std::optional<double> test_images(const std::string& protocol) const;
};

/// Reads a run folder. Only config.yaml must be there. @throws Error(kData) if a file is damaged,
/// with file, line and what is wrong
RunRecords read_run_records(const std::filesystem::path& run);

/// A protocol's name for people: "kNN", "linear evaluation", "fine-tuning"; others as they are.
std::string protocol_title(const std::string& protocol);

}  // namespace simclr
