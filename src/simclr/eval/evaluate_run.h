#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/data/open.h"
#include "simclr/eval/features.h"
#include "simclr/train/run_folder.h"

namespace simclr {

enum class Protocol { kKnn, kLinear, kFinetune };
template <>
struct EnumNames<Protocol> {
  static constexpr EnumTable<Protocol, 3> table{
      {{Protocol::kKnn, "knn"}, {Protocol::kLinear, "linear"}, {Protocol::kFinetune, "finetune"}}};
};

/// One encoder scored by one protocol: a line of results.jsonl.
struct EvaluationResult {
  Protocol protocol = Protocol::kKnn;
  bool trained = false;  ///< false: the run's own initial weights, the baseline
  double test_accuracy = 0.0;
  double validation_accuracy = 0.0;
  std::string json;  ///< the whole line
};

struct EvaluationPair {
  EvaluationResult random;
  EvaluationResult trained;
};

struct EvaluationOptions {
  std::filesystem::path run;
  std::string checkpoint = "best";  ///< or "last"
  Settings settings;     ///< the run's, with what the user changed of data, knn, linear, finetune
  std::string command;   ///< how to repeat it
  bool average = false;  ///< score the average of the weights, which ema_decay keeps
};

/// Scores a run's encoder beside the same network with its initial weights. Data and features are
/// computed once and shared by the protocols.
class RunEvaluator {
 public:
  /// @throws Error(kUsage) if the folder is not a run or has no such checkpoint, Error(kData) if
  /// weights do not match
  RunEvaluator(EvaluationOptions options, EventSink& sink);

  /// Both results, appended to results.jsonl. @throws Error(kUsage) if there are no labels or test
  /// images, Error(kFailed) if a frozen encoder moved
  EvaluationPair evaluate(Protocol protocol);

 private:
  /// An encoder and what has been computed with it.
  struct Subject {
    SimclrModel model;
    bool trained;
    std::int64_t epoch;
    std::string sha256;
    std::optional<FeatureSplits> features;
  };

  const FeatureSplits& features(Subject& subject);
  EvaluationResult score(Subject& subject, Protocol protocol);

  EvaluationOptions options_;
  EventSink& sink_;
  RunFolder run_;
  DataSplits data_;
  Subject random_;
  Subject trained_;
};

}  // namespace simclr
