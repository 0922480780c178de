#pragma once

#include "simclr/config/settings.h"
#include "simclr/eval/features.h"
#include "simclr/eval/metrics.h"

namespace simclr {

struct LinearResult {
  double l2 = 0.0;              ///< chosen by validation accuracy (ties: the stronger)
  std::int64_t iterations = 0;  ///< of all fits together
  double train_accuracy = 0.0;
  double validation_accuracy = 0.0;
  ClassScores test;   ///< computed once, after the choice
  at::Tensor weight;  ///< f32 [classes, F]: scores = x weight^T + bias for features x as they
  at::Tensor bias;    ///< f32 [classes]     are, the scaling folded in
};

/// Linear evaluation: features standardised by the training part's mean and deviation, logistic
/// regression for each L2 of a fixed grid (1e-6 ... 1, ten to a step), the one with the best
/// validation accuracy is scored once on the test part.
LinearResult linear_probe(const FeatureSplits& features, std::int64_t classes,
                          const LinearSettings& settings, EventSink& sink);

}  // namespace simclr
