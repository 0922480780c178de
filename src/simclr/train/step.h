#pragma once

#include <ATen/core/Tensor.h>

#include "simclr/config/settings.h"
#include "simclr/loader/batch_loader.h"
#include "simclr/model/simclr_model.h"
#include "simclr/optim/optimizer.h"

namespace simclr {

struct StepResult {
  double loss = 0.0;
  double accuracy = 0.0;
};

/// What a batch is scored by.
struct Criterion {
  Objective objective = Objective::kContrastive;
  LossSettings loss;  ///< of the contrastive objective
};

/// The batch's views as f32 [views, 3, S, S], channels-last, without a copy on the CPU: `batch`
/// must outlive the result.
at::Tensor views_tensor(Batch& batch, int side, const c10::Device& device);

/// One update: both views forward together, loss, backward, optimizer. A loss that is not finite
/// changes nothing and is returned as it is.
StepResult train_step(SimclrModel& model, Optimizer& optimizer, const Criterion& criterion,
                      const at::Tensor& views, const std::vector<std::int64_t>& labels, double lr);

/// Loss and accuracy without gradients; the model's mode is the caller's to set.
StepResult score(SimclrModel& model, const Criterion& criterion, const at::Tensor& views,
                 const std::vector<std::int64_t>& labels);

}  // namespace simclr
