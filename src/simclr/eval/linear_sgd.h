#pragma once

#include "simclr/config/settings.h"
#include "simclr/eval/finetune.h"

namespace simclr {

struct LinearSgdResult {
  double lr = 0.0;      ///< chosen with the epoch by validation accuracy; of equals the earlier
                        ///< epoch, then the smaller rate
  TrainingCurve curve;  ///< of that rate
};

/// Linear evaluation as Chen et al. 2020 do it (B.6): a linear classifier on frozen features of
/// random crops and flips, by SGD with Nesterov's momentum 0.9, without weight decay, rate
/// proportional to the batch, cosine to 0. Where they take one rate (0.1), all of a fixed grid
/// (0.01 to 30) are trained at once on the same views, each with its own weights from 0, and the
/// best is chosen on validation. Features are taken as they are. Order is keyed by `seed`.
LinearSgdResult linear_sgd(const FrozenData& data, const LinearSettings& settings,
                           std::uint64_t seed, EventSink& sink);

}  // namespace simclr
