#pragma once

#include <functional>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/eval/features.h"

namespace simclr {

/// Accuracies of one epoch of fine-tuning, each in [0, 1].
struct FinetuneEpoch {
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double validation_accuracy = 0.0;
  double test_accuracy =
      0.0;  ///< filled after training, from the head kept of each epoch: nothing was chosen by it
};

struct FinetuneResult {
  std::vector<FinetuneEpoch> epochs;
  std::size_t best_epoch = 0;  ///< 0-based; best validation accuracy, the first of equals
  double test_accuracy() const { return epochs[best_epoch].test_accuracy; }
};

/// The seed's second stage with the encoder frozen: the head becomes Linear(F, classes), trained
/// with labels by Adam. `train_features(epoch)` gives the features of that epoch's views (always
/// the same where views do not change); `features.validation` and `features.test` are of whole
/// images. Order and initial head are keyed by `seed`.
FinetuneResult finetune_frozen(const FeatureSplits& features,
                               const std::function<Features(std::uint32_t epoch)>& train_features,
                               std::int64_t classes, const FinetuneSettings& settings,
                               std::uint64_t seed, EventSink& sink);

}  // namespace simclr
