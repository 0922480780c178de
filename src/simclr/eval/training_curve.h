#pragma once

#include <cstddef>
#include <vector>

#include "simclr/eval/metrics.h"

namespace simclr {

/// One epoch of training with labels; accuracies in [0, 1].
struct ProbeEpoch {
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double validation_accuracy = 0.0;
  double test_accuracy = 0.0;  ///< filled in when everything is chosen: nothing was chosen by it
};

/// A classifier trained with labels, epoch by epoch.
struct TrainingCurve {
  std::vector<ProbeEpoch> epochs;
  std::size_t best_epoch = 0;  ///< 0-based; best validation accuracy, the first of equals
  ClassScores test;            ///< of the classifier at that epoch

  void add(const ProbeEpoch& epoch) {
    epochs.push_back(epoch);
    if (epoch.validation_accuracy > epochs[best_epoch].validation_accuracy)
      best_epoch = epochs.size() - 1;
  }
  bool best_is_last() const { return best_epoch + 1 == epochs.size(); }
  double validation_accuracy() const { return epochs[best_epoch].validation_accuracy; }
};

}  // namespace simclr
