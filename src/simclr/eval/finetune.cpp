#include "simclr/eval/finetune.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "simclr/core/error.h"
#include "simclr/data/splits.h"
#include "simclr/eval/linear_head.h"
#include "simclr/loss/cross_entropy.h"
#include "simclr/optim/optimizer.h"

namespace simclr {
namespace {

std::unique_ptr<Optimizer> adam_for(const LinearHead& head) {
  OptimSettings settings;
  settings.optimizer = OptimizerKind::kAdam;
  return make_optimizer(settings, {{"head.weight", head.weight}, {"head.bias", head.bias}});
}

/// One pass over all images; loss and accuracy are means over them, each as its batch was met.
ProbeEpoch train_epoch(const LinearHead& head, Optimizer& optimizer, const Features& features,
                       const at::Tensor& order, const FinetuneSettings& settings) {
  ProbeEpoch epoch;
  const std::int64_t count = order.size(0);
  for (std::int64_t first = 0; first < count; first += settings.batch_size) {
    const at::Tensor rows = order.slice(0, first, std::min(count, first + settings.batch_size));
    const at::Tensor labels = features.labels.index_select(0, rows);
    const at::Tensor scores = head(features.x.index_select(0, rows));
    const at::Tensor loss = cross_entropy(scores, labels);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step(settings.lr);
    const double share = static_cast<double>(rows.size(0)) / static_cast<double>(count);
    epoch.train_loss += share * loss.item<double>();
    epoch.train_accuracy += share * accuracy(scores, labels);
  }
  return epoch;
}

at::Tensor scores_of(const LinearHead& head, const Features& features) {
  const c10::NoGradGuard no_gradient;
  return head(features.x);
}

}  // namespace

TrainingCurve finetune_frozen(const FrozenData& data, const FinetuneSettings& settings,
                              std::uint64_t seed, EventSink& sink) {
  const LinearHead head = initial_head(data.validation.x.size(1), data.classes, seed);
  head.weight.requires_grad_();
  head.bias.requires_grad_();
  const std::unique_ptr<Optimizer> optimizer = adam_for(head);
  TrainingCurve curve;
  std::vector<LinearHead> heads;
  for (std::uint32_t e = 0; e < settings.epochs; ++e) {
    const Features train = data.train(e);
    const at::Tensor order = shuffled_order(train.x.size(0), seed, e);
    ProbeEpoch epoch = train_epoch(head, *optimizer, train, order, settings);
    check_finite(epoch.train_loss, e);
    epoch.validation_accuracy = accuracy(scores_of(head, data.validation), data.validation.labels);
    heads.push_back(head.copy());
    curve.add(epoch);
    sink.message(fmt::format("Epoch {}/{}  Train Loss: {:.6f}, Train Acc: {:.6f} | Val Acc: {:.6f}",
                             e + 1, settings.epochs, epoch.train_loss, epoch.train_accuracy,
                             epoch.validation_accuracy));
  }
  for (std::size_t e = 0; e < heads.size(); ++e)
    curve.epochs[e].test_accuracy = accuracy(scores_of(heads[e], data.test), data.test.labels);
  curve.test = score_classes(scores_of(heads[curve.best_epoch], data.test), data.test.labels);
  return curve;
}

void check_finite(double loss, std::uint32_t epoch) {
  if (std::isfinite(loss)) return;
  throw Error(ExitCode::kDiverged,
              fmt::format("fine-tuning: the loss is not finite ({}) in epoch {}", loss, epoch + 1),
              "Lower --lr.");
}

FinetuneViews views_of(const FinetuneSettings& settings) {
  if (settings.views != FinetuneViews::kAuto) return settings.views;
  return settings.freeze == Freeze::kEncoder ? FinetuneViews::kNone : FinetuneViews::kCropFlip;
}

std::vector<std::int64_t> labelled_positions(const Subset& train, double share,
                                             std::uint64_t seed) {
  std::unordered_map<std::size_t, std::int64_t> position_of;
  for (std::size_t i = 0; i < train.indices().size(); ++i)
    position_of[train.indices()[i]] = static_cast<std::int64_t>(i);
  std::vector<std::int64_t> positions;
  for (const std::size_t index : stratified_subset(*train.whole(), train.indices(), share, seed))
    positions.push_back(position_of.at(index));
  std::sort(positions.begin(), positions.end());
  return positions;
}

}  // namespace simclr
