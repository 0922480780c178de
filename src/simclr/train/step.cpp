#include "simclr/train/step.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "simclr/loss/cross_entropy.h"
#include "simclr/loss/dcl.h"
#include "simclr/loss/nt_xent.h"
#include "simclr/loss/supcon.h"
#include "simclr/train/precision.h"

namespace simclr {
namespace {

/// A step that overflows at a smaller scale than fp16's least normal number does so at any.
constexpr double kSmallestScale = 0x1p-14;

struct Scored {
  at::Tensor loss;
  double accuracy;
};

struct Embedded {
  at::Tensor features;     // [views, F]
  at::Tensor projections;  // [views, D]
};

/// Images first ... last - 1 of a batch.
struct Slice {
  std::int64_t first;
  std::int64_t last;
};

std::int64_t views_per_image(const Criterion& criterion) {
  return criterion.objective == Objective::kContrastive ? 2 : 1;
}

std::vector<Slice> slices_of(const Criterion& criterion, std::int64_t images) {
  const std::int64_t size = criterion.micro_batch > 0 ? criterion.micro_batch : images;
  std::vector<Slice> slices;
  for (std::int64_t first = 0; first < images; first += size)
    slices.push_back({first, std::min(first + size, images)});
  return slices;
}

/// The rows of a slice's images: of both views, where there are two.
at::Tensor rows_of(const at::Tensor& all, const Slice& slice, std::int64_t images) {
  if (slice.last - slice.first == images) return all;
  const at::Tensor first_views = all.slice(0, slice.first, slice.last);
  if (all.size(0) == images) return first_views;
  return at::cat({first_views, all.slice(0, images + slice.first, images + slice.last)});
}

/// The inverse of rows_of: what each slice gave, put together in the order of the batch.
at::Tensor together(const std::vector<at::Tensor>& parts, std::int64_t views) {
  if (parts.size() == 1) return parts[0];
  std::vector<at::Tensor> ordered;
  for (std::int64_t view = 0; view < views; ++view)
    for (const at::Tensor& part : parts)
      ordered.push_back(part.chunk(views, 0)[static_cast<std::size_t>(view)]);
  return at::cat(ordered);
}

Embedded embed_jointly(SimclrModel& model, const at::Tensor& views) {
  const at::Tensor features = model.encode(views);
  return {features, model.project(features).to(at::kFloat)};
}

bool views_go_together(const Criterion& criterion) {
  return criterion.bn == NormViews::kJoint || views_per_image(criterion) == 1;
}

Embedded embed(SimclrModel& model, const Criterion& criterion, const at::Tensor& views) {
  const AutocastScope autocast(criterion.precision, views.device());
  if (views_go_together(criterion)) return embed_jointly(model, views);
  const Embedded first = embed_jointly(model, views.slice(0, 0, views.size(0) / 2));
  const Embedded second = embed_jointly(model, views.slice(0, views.size(0) / 2));
  return {at::cat({first.features, second.features}),
          at::cat({first.projections, second.projections})};
}

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

Scored scored(const Criterion& criterion, const at::Tensor& z,
              const std::vector<std::int64_t>& labels) {
  const at::Tensor targets = at::tensor(labels, z.options().dtype(at::kLong).requires_grad(false));
  if (criterion.objective == Objective::kContrastive)
    return {contrastive_loss(criterion.loss, z, targets), contrastive_accuracy(z)};
  return {cross_entropy(z, targets), accuracy(z, targets)};
}

/// Puts a model's running statistics back at its end: a pass that is done twice counts once.
class KeptStatistics {
 public:
  explicit KeptStatistics(const SimclrModel& model) : buffers_(model.buffers()) {
    for (const NamedTensor& buffer : buffers_) copies_.push_back(buffer.tensor.clone());
  }
  ~KeptStatistics() {
    const c10::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].tensor.copy_(copies_[i]);
  }
  KeptStatistics(const KeptStatistics&) = delete;
  KeptStatistics& operator=(const KeptStatistics&) = delete;

 private:
  std::vector<NamedTensor> buffers_;
  std::vector<at::Tensor> copies_;
};

/// Features and projections of all views, a slice at a time, without gradients.
Embedded embed_all(SimclrModel& model, const Criterion& criterion, const at::Tensor& views,
                   const std::vector<Slice>& slices) {
  const c10::NoGradGuard no_gradient;
  const std::int64_t images = slices.back().last;
  std::vector<at::Tensor> features;
  std::vector<at::Tensor> projections;
  for (const Slice& slice : slices) {
    const Embedded part = embed(model, criterion, rows_of(views, slice, images));
    features.push_back(part.features);
    projections.push_back(part.projections);
  }
  const std::int64_t views_each = views_per_image(criterion);
  return {together(features, views_each), together(projections, views_each)};
}

double scale_of(const Learner& learner) { return learner.scaler ? learner.scaler->scale() : 1.0; }

/// Forward and backward in one pass. A loss that is not finite is not carried back.
StepResult one_pass(const Learner& learner, const Criterion& criterion, const at::Tensor& views,
                    const std::vector<std::int64_t>& labels) {
  const Embedded all = embed(learner.model, criterion, views);
  const Scored batch = scored(criterion, all.projections, labels);
  StepResult result{batch.loss.item<double>(), batch.accuracy};
  result.features = all.features.detach();
  result.projections = all.projections.detach();
  if (std::isfinite(result.loss)) batch.loss.mul(scale_of(learner)).backward();
  return result;
}

/// The same by micro-batches, in two passes.
StepResult two_passes(const Learner& learner, const Criterion& criterion, const at::Tensor& views,
                      const std::vector<std::int64_t>& labels, const std::vector<Slice>& slices) {
  StepResult result;
  {
    const KeptStatistics kept(learner.model);
    const Embedded all = embed_all(learner.model, criterion, views, slices);
    result.features = all.features;
    result.projections = all.projections;
  }
  const at::Tensor z = result.projections.detach().requires_grad_();
  const Scored batch = scored(criterion, z, labels);
  result.loss = batch.loss.item<double>();
  result.accuracy = batch.accuracy;
  if (!std::isfinite(result.loss)) return result;
  batch.loss.mul(scale_of(learner)).backward();
  const std::int64_t images = slices.back().last;
  for (const Slice& slice : slices) {
    const Embedded part = embed(learner.model, criterion, rows_of(views, slice, images));
    part.projections.backward(rows_of(z.grad(), slice, images));
  }
  return result;
}

std::string first_bad_gradient(const Optimizer& optimizer) {
  for (const OptimizedParameter& parameter : optimizer.parameters())
    if (!at::isfinite(parameter.tensor.grad()).all().item<bool>()) return parameter.name;
  return "";
}

}  // namespace

at::Tensor views_tensor(Batch& batch, int side, const c10::Device& device) {
  const auto count =
      static_cast<std::int64_t>(batch.views.size()) / (std::int64_t{3} * side * side);
  return at::from_blob(batch.views.data(), {count, side, side, 3}, at::kFloat)
      .permute({0, 3, 1, 2})
      .to(device);
}

void prepare_steps(SimclrModel& model, const Criterion& criterion, std::int64_t side,
                   std::int64_t images) {
  const std::vector<Slice> slices = slices_of(criterion, images);
  const std::int64_t views = views_per_image(criterion) * (slices[0].last - slices[0].first);
  const std::int64_t passes = views_go_together(criterion) ? 1 : 2;
  model.prepare({.side = side,
                 .views = views / passes,
                 .waiting = passes,
                 .backward_passes = passes * static_cast<std::int64_t>(slices.size())});
}

StepResult train_step(const Learner& learner, const Criterion& criterion, const at::Tensor& views,
                      const std::vector<std::int64_t>& labels, double lr) {
  learner.optimizer.zero_grad();
  const std::vector<Slice> slices = slices_of(criterion, static_cast<std::int64_t>(labels.size()));
  StepResult result = slices.size() == 1 ? one_pass(learner, criterion, views, labels)
                                         : two_passes(learner, criterion, views, labels, slices);
  if (!std::isfinite(result.loss)) return result;
  if (learner.scaler != nullptr) {
    const bool finite = learner.scaler->unscale(learner.optimizer.parameters());
    learner.scaler->update(finite);
    if (!finite) {
      if (learner.scaler->scale() < kSmallestScale)
        result.bad_gradient = first_bad_gradient(learner.optimizer);
      return result;
    }
  }
  const double norm = learner.optimizer.gradient_norm();
  if (criterion.report_gradient_norm) result.gradient_norm = norm;
  if (!std::isfinite(norm)) {
    result.bad_gradient = first_bad_gradient(learner.optimizer);
    return result;
  }
  learner.optimizer.step(lr, norm);
  return result;
}

StepResult score(SimclrModel& model, const Criterion& criterion, const at::Tensor& views,
                 const std::vector<std::int64_t>& labels) {
  const c10::NoGradGuard no_grad;
  const Embedded all = embed_all(model, criterion, views,
                                 slices_of(criterion, static_cast<std::int64_t>(labels.size())));
  const Scored batch = scored(criterion, all.projections, labels);
  StepResult result{batch.loss.item<double>(), batch.accuracy};
  result.features = all.features;
  result.projections = all.projections;
  return result;
}

}  // namespace simclr
