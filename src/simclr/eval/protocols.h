#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/eval/finetune.h"
#include "simclr/eval/metrics.h"

namespace simclr {

enum class Protocol { kKnn, kLinear, kFinetune };
template <>
struct EnumNames<Protocol> {
  static constexpr EnumTable<Protocol, 3> table{
      {{Protocol::kKnn, "knn"}, {Protocol::kLinear, "linear"}, {Protocol::kFinetune, "finetune"}}};
};

/// The name under which results.jsonl keeps what the settings make of a protocol: "knn",
/// "knn-projection", "linear", "linear-sgd", "finetune", "finetune-whole-10%", ...
std::string result_name(Protocol protocol, const Settings& settings);

/// What a protocol found out about one encoder with one seed.
struct Outcome {
  ClassScores test;
  double validation_accuracy = 0.0;
  std::string words;               ///< the whole protocol
  nlohmann::ordered_json details;  ///< what was given, and what was chosen
  nlohmann::ordered_json curves = nlohmann::ordered_json::object();  ///< per epoch
};

/// Every k in one pass, those above the bank's size being that; the one with the best validation
/// accuracy is quoted (ties: the first).
Outcome score_knn(const FeatureSplits& features, std::int64_t classes, const KnnSettings& settings);

Outcome score_linear_lbfgs(const FeatureSplits& features, std::int64_t classes,
                           const LinearSettings& settings, EventSink& sink);

/// @param note  on its views, as crop_flip_note has it
Outcome score_linear_sgd(const FrozenData& data, std::int64_t images,
                         const LinearSettings& settings, std::uint64_t seed,
                         const std::string& note, EventSink& sink);

/// Fine-tuning of either kind, once it has run. @param what  "frozen encoder, ..."
Outcome finetune_outcome(TrainingCurve curve, const FinetuneSettings& settings,
                         const std::string& words);

}  // namespace simclr
