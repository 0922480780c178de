#include "simclr/train/step.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "simclr/loss/cross_entropy.h"
#include "simclr/loss/dcl.h"
#include "simclr/loss/nt_xent.h"
#include "simclr/loss/supcon.h"

namespace simclr {
namespace {

struct Scored {
  at::Tensor loss;
  double accuracy;
};

at::Tensor contrastive_loss(const LossSettings& settings, const at::Tensor& z,
                            const at::Tensor& labels) {
  switch (settings.kind) {
    case LossKind::kNtXent:
      return nt_xent(z, settings.temperature);
    case LossKind::kDcl:
      return dcl(z, settings.temperature);
    case LossKind::kSupCon:
      return supcon(z, labels, settings.temperature);
  }
  return {};
}

Scored forward(SimclrModel& model, const Criterion& criterion, const at::Tensor& views,
               const std::vector<std::int64_t>& labels) {
  const at::Tensor z = model.project(model.encode(views));  // [views, D]
  const at::Tensor targets = at::tensor(labels, z.options().dtype(at::kLong).requires_grad(false));
  if (criterion.objective == Objective::kContrastive)
    return {contrastive_loss(criterion.loss, z, targets), contrastive_accuracy(z)};
  return {cross_entropy(z, targets), accuracy(z, targets)};
}

}  // namespace

at::Tensor views_tensor(Batch& batch, int side, const c10::Device& device) {
  const auto count =
      static_cast<std::int64_t>(batch.views.size()) / (std::int64_t{3} * side * side);
  return at::from_blob(batch.views.data(), {count, side, side, 3}, at::kFloat)
      .permute({0, 3, 1, 2})
      .to(device);
}

StepResult train_step(SimclrModel& model, Optimizer& optimizer, const Criterion& criterion,
                      const at::Tensor& views, const std::vector<std::int64_t>& labels, double lr) {
  const Scored scored = forward(model, criterion, views, labels);
  const StepResult result{scored.loss.item<double>(), scored.accuracy};
  if (!std::isfinite(result.loss)) return result;
  optimizer.zero_grad();
  scored.loss.backward();
  optimizer.step(lr);
  return result;
}

StepResult score(SimclrModel& model, const Criterion& criterion, const at::Tensor& views,
                 const std::vector<std::int64_t>& labels) {
  const c10::NoGradGuard no_grad;
  const Scored scored = forward(model, criterion, views, labels);
  return {scored.loss.item<double>(), scored.accuracy};
}

}  // namespace simclr
