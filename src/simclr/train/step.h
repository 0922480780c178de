#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/loader/batch_loader.h"
#include "simclr/model/simclr_model.h"
#include "simclr/optim/grad_scaler.h"
#include "simclr/optim/optimizer.h"

namespace simclr {

struct StepResult {
  double loss = 0.0;
  double accuracy = 0.0;
  /// Of all parameters together; NaN where it was not asked for, or fp16 overflowed.
  double gradient_norm = std::numeric_limits<double>::quiet_NaN();
  /// The first parameter whose gradient is not finite; with fp16 only where no scale helps.
  std::string bad_gradient = {};
  at::Tensor features = {};     ///< [views, F], without gradients; rows as the views'
  at::Tensor projections = {};  ///< f32 [views, D], likewise
};

/// What a batch is scored by, and how its views go through the network.
struct Criterion {
  Objective objective = Objective::kContrastive;
  LossSettings loss;  ///< of the contrastive objective
  NormViews bn = NormViews::kJoint;
  std::int64_t micro_batch = 0;  ///< images at once; 0: all
  Precision precision = Precision::kF32;
  bool report_gradient_norm = true;  ///< tell the norm of all gradients together
};

/// What a step changes.
struct Learner {
  SimclrModel& model;
  Optimizer& optimizer;
  GradScaler* scaler = nullptr;  ///< null: the loss is not scaled
};

/// The batch's views as f32 [views, 3, S, S], channels-last, without a copy on the CPU: `batch`
/// must outlive the result.
at::Tensor views_tensor(Batch& batch, int side, const c10::Device& device);

/// Lets the model set aside its memory for steps of this many images.
void prepare_steps(SimclrModel& model, const Criterion& criterion, std::int64_t side,
                   std::int64_t images);

/// One update: forward, loss, backward, optimizer. With micro-batches the network runs twice over
/// each: first for the projections of the whole batch, whose loss gives their gradient, then to
/// carry that gradient on (Gao et al. 2021, arXiv:2101.06983). A loss or a gradient that is not
/// finite changes no parameter and is told by the result.
StepResult train_step(const Learner& learner, const Criterion& criterion, const at::Tensor& views,
                      const std::vector<std::int64_t>& labels, double lr);

/// Loss and accuracy without gradients; the model's mode is the caller's to set.
StepResult score(SimclrModel& model, const Criterion& criterion, const at::Tensor& views,
                 const std::vector<std::int64_t>& labels);

}  // namespace simclr
