#pragma once

#include "simclr/config/settings.h"
#include "simclr/eval/features.h"

namespace simclr {

struct LinearResult {
  double l2 = 0.0;  ///< chosen by validation accuracy (ties: the stronger)
  double train_accuracy = 0.0;
  double validation_accuracy = 0.0;
  double test_accuracy = 0.0;  ///< computed once, after the choice
};

/// Linear evaluation: features standardised by the training part's mean and deviation, logistic
/// regression for each L2 of a fixed grid (1e-6 ... 1, ten to a step), the one with the best
/// validation accuracy is scored once on the test part.
LinearResult linear_probe(const FeatureSplits& features, std::int64_t classes,
                          const LinearSettings& settings, EventSink& sink);

}  // namespace simclr
