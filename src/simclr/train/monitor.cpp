#include "simclr/train/monitor.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "simclr/loader/batch_loader.h"
#include "simclr/loss/cross_entropy.h"
#include "simclr/measure/representation.h"
#include "simclr/model/native_layers.h"
#include "simclr/train/step.h"

namespace simclr {
namespace {

constexpr std::int64_t kBatchSize = 250;
constexpr std::int64_t kNeighbours = 20;
constexpr double kVoteTemperature = 0.1;
constexpr double kProbeRate = 1e-3;  // of Adam

at::Tensor labels_tensor(const std::vector<std::int64_t>& labels, const c10::Device& device) {
  return at::tensor(labels, at::kLong).to(device);
}

}  // namespace

Monitor::Monitor(const Settings& settings, const DataSplits& data, std::int64_t feature_width,
                 const c10::Device& device)
    : settings_(settings),
      data_(data),
      device_(device),
      validation_images_(static_cast<std::int64_t>(data.validation->size())),
      images_(std::min(settings.monitor.images, validation_images_)),
      labelled_(!data.class_names.empty()) {
  const bool contrastive = settings.train.objective == Objective::kContrastive;
  if (!settings.monitor.linear || !labelled_ || !contrastive) return;
  const auto classes = static_cast<std::int64_t>(data.class_names.size());
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  probe_ = std::make_unique<Probe>();
  probe_->weight = at::zeros({classes, feature_width}, options).requires_grad_();
  probe_->bias = at::zeros({classes}, options).requires_grad_();
  OptimSettings adam;
  adam.optimizer = OptimizerKind::kAdam;
  probe_->optimizer = make_optimizer(adam, {{"weight", probe_->weight}, {"bias", probe_->bias}});
}

at::Tensor Monitor::Probe::scores(const at::Tensor& features) const {
  const at::Tensor x = features.detach().to(at::kFloat).contiguous();
  // On the CPU by our own products: the same bits for any number of threads.
  return x.is_cpu() ? native_linear(x, weight, bias) : at::linear(x, weight, bias);
}

void Monitor::learn(const at::Tensor& features, const std::vector<std::int64_t>& labels) {
  if (!probe_) return;
  const auto images = static_cast<std::int64_t>(labels.size());
  const at::Tensor targets = labels_tensor(labels, device_).repeat({features.size(0) / images});
  // Images without a label stand among the others where a set has some.
  const at::Tensor known = targets.ge(0).nonzero().squeeze(1);
  if (known.size(0) == 0) return;
  const bool all = known.size(0) == targets.size(0);
  const at::Tensor loss = all ? cross_entropy(probe_->scores(features), targets)
                              : cross_entropy(probe_->scores(features.index_select(0, known)),
                                              targets.index_select(0, known));
  probe_->optimizer->zero_grad();
  loss.backward();
  probe_->optimizer->step(kProbeRate);
}

/// So many of the validation images, evenly spread over all of them.
bool Monitor::is_chosen(std::int64_t position) const {
  return (position + 1) * images_ / validation_images_ > position * images_ / validation_images_;
}

void Monitor::forget() {
  seen_ = 0;
  first_views_.clear();
  second_views_.clear();
}

void Monitor::see(const at::Tensor& projections, std::int64_t images) {
  if (!settings_.monitor.views || projections.size(0) != 2 * images) return;
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < images; ++i)
    if (is_chosen(seen_ + i)) rows.push_back(i);
  seen_ += images;
  if (rows.empty()) return;
  const at::Tensor chosen = labels_tensor(rows, projections.device());
  first_views_.push_back(projections.slice(0, 0, images).index_select(0, chosen).cpu());
  second_views_.push_back(projections.slice(0, images).index_select(0, chosen).cpu());
}

void Monitor::measure(SimclrModel& model, EpochMetrics& row) const {
  const MonitorSettings& wanted = settings_.monitor;
  if (images_ < 2) return;
  if (!first_views_.empty()) {
    const at::Tensor first = at::cat(first_views_);
    const at::Tensor z = at::cat({first, at::cat(second_views_)});
    row.alignment = alignment(z);
    row.uniformity = uniformity(first);
  }
  const bool knn = wanted.knn && labelled_;
  if (!knn && !probe_ && !wanted.rank) return;

  std::vector<std::size_t> chosen;
  for (std::int64_t i = 0; i < validation_images_; ++i)
    if (is_chosen(i)) chosen.push_back(static_cast<std::size_t>(i));
  BatchPlan plan;
  plan.kind = ViewKind::kWholeImage;
  plan.augment.normalization = settings_.augment.normalization;
  plan.batch_size = kBatchSize;
  plan.side = data_.image_size;
  BatchLoader loader(std::make_shared<Subset>(data_.validation, chosen), plan,
                     settings_.run.workers);
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> parts;
  std::vector<std::int64_t> labels;
  while (auto batch = loader.next()) {
    parts.push_back(model.encode(views_tensor(*batch, plan.side, device_)));
    labels.insert(labels.end(), batch->labels.begin(), batch->labels.end());
  }
  const at::Tensor features = at::cat(parts);  // [images, F]
  if (probe_)
    row.probe_accuracy = accuracy(probe_->scores(features), labels_tensor(labels, device_));
  const at::Tensor h = features.to(at::kCPU, at::kFloat);
  if (wanted.rank) row.effective_rank = effective_rank(h);
  if (knn) {
    row.knn_accuracy = leave_one_out_accuracy(h, at::tensor(labels, at::kLong),
                                              static_cast<std::int64_t>(data_.class_names.size()),
                                              kNeighbours, kVoteTemperature);
  }
}

KeptTensors Monitor::state() const {
  if (!probe_) return {};
  KeptTensors kept{{"probe.weight", probe_->weight}, {"probe.bias", probe_->bias}};
  for (auto& [name, tensor] : probe_->optimizer->state()) kept["probe.optimizer." + name] = tensor;
  return kept;
}

}  // namespace simclr
