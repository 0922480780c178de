#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/data/open.h"
#include "simclr/eval/protocols.h"
#include "simclr/eval/run_encoder.h"
#include "simclr/eval/subject.h"
#include "simclr/train/run_folder.h"

namespace simclr {

/// One encoder scored by one protocol: a line of results.jsonl.
struct EvaluationResult {
  std::string name;  ///< result_name of protocol and settings
  EncoderKind encoder = EncoderKind::kTrained;
  double test_accuracy = 0.0;                           ///< mean over the seeds
  std::optional<double> test_deviation = std::nullopt;  ///< of several seeds
  double test_top5 = 0.0;
  double validation_accuracy = 0.0;
  std::string json;  ///< the whole line
};

/// A trained encoder and what it is compared with.
struct EvaluationPair {
  EvaluationResult random;
  EvaluationResult trained;
  std::optional<EvaluationResult> pixels = std::nullopt;
};

struct EvaluationOptions {
  RunEncoderOptions encoder;  ///< with no run, of a file alone, results are not kept
  Settings settings;    ///< the run's, with what the user changed of data, knn, linear, finetune
  std::string command;  ///< how to repeat it
  bool pixels = false;  ///< score raw pixels, too
  bool random = true;   ///< score the random encoder too; a study knows its score already
};

/// Scores a run's encoder beside the same network with its initial weights (with several seeds:
/// one for each), and raw pixels. Data and features are computed once and shared by the protocols.
class RunEvaluator {
 public:
  /// @throws Error(kUsage) if the folder is not a run or has no such checkpoint, Error(kData) if
  /// weights do not match, or if test images were trained on with their labels
  RunEvaluator(EvaluationOptions options, EventSink& sink);

  /// All results, appended to the run's results.jsonl; confusion matrices beside it in
  /// evaluations/.
  /// @throws Error(kUsage) if there are no labels or test images, Error(kFailed) if a frozen
  /// encoder moved, or a network that is trained did not
  EvaluationPair evaluate(Protocol protocol);

 private:
  SimclrModel initial_model(std::int64_t seed_index) const;
  SimclrModel classifier(const Subject& subject, std::int64_t seed_index) const;
  Outcome run_once(Subject& subject, Protocol protocol, std::int64_t seed_index);
  Outcome run_finetune(Subject& subject, std::int64_t seed_index);
  Outcome run_finetune_whole(const Subject& subject, const LabelledImages& labelled,
                             std::int64_t seed_index);
  std::vector<Outcome> run_seeds(Subject& subject, Protocol protocol);
  EvaluationResult score(Subject& subject, Protocol protocol);
  std::uint64_t probe_seed(std::int64_t seed_index) const;
  /// How many test images the encoder was trained on, where its run says so; tells of any.
  std::optional<std::size_t> test_images_trained_on() const;

  EvaluationOptions options_;
  EventSink& sink_;
  std::optional<RunFolder> run_;
  DataSplits data_;
  c10::Device device_;
  std::string test_sha256_;
  std::optional<std::size_t> trained_on_;
  std::optional<Subject> random_;
  std::optional<Subject> pixels_;
  std::optional<Subject> trained_;
};

}  // namespace simclr
