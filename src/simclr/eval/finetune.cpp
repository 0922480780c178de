#include "simclr/eval/finetune.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "simclr/core/random.h"
#include "simclr/loss/cross_entropy.h"
#include "simclr/optim/optimizer.h"

namespace simclr {
namespace {

/// scores = x weight^T + bias
struct LinearHead {
  at::Tensor weight;  // f32 [classes, F]
  at::Tensor bias;    // f32 [classes]

  at::Tensor operator()(const at::Tensor& x) const { return at::addmm(bias, x, weight.t()); }
  LinearHead copy() const { return {weight.detach().clone(), bias.detach().clone()}; }
};

/// Uniform within 1 / sqrt(F), as torch.nn.Linear's.
at::Tensor initial_values(at::IntArrayRef sizes, std::int64_t width, const RandomKey& key) {
  const float bound = 1.0F / std::sqrt(static_cast<float>(width));
  at::Tensor values = at::empty(sizes, at::kFloat);
  Random random(key);
  std::generate_n(values.data_ptr<float>(), values.numel(),
                  [&] { return random.uniform(-bound, bound); });
  return values.requires_grad_();
}

LinearHead initial_head(std::int64_t width, std::int64_t classes, std::uint64_t seed) {
  const RandomKey key{.seed = seed, .purpose = Purpose::kHead};
  RandomKey bias_key = key;
  bias_key.sample = 1;
  return {initial_values({classes, width}, width, key), initial_values({classes}, width, bias_key)};
}

std::unique_ptr<Optimizer> adam_for(const LinearHead& head) {
  OptimSettings settings;
  settings.optimizer = OptimizerKind::kAdam;
  return make_optimizer(settings, {{"head.weight", head.weight}, {"head.bias", head.bias}});
}

at::Tensor shuffled_order(std::int64_t count, std::uint64_t seed, std::uint32_t epoch) {
  const std::vector<std::uint32_t> order =
      permutation(static_cast<std::uint32_t>(count),
                  {.seed = seed, .purpose = Purpose::kShuffle, .epoch = epoch});
  return at::tensor(std::vector<std::int64_t>(order.begin(), order.end()), at::kLong);
}

/// One pass over all images; loss and accuracy are means over them, each as its batch was met.
FinetuneEpoch train_epoch(const LinearHead& head, Optimizer& optimizer, const Features& features,
                          const at::Tensor& order, const FinetuneSettings& settings) {
  FinetuneEpoch epoch;
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

double score(const LinearHead& head, const Features& features) {
  const c10::NoGradGuard no_gradient;
  return accuracy(head(features.x), features.labels);
}

}  // namespace

FinetuneResult finetune_frozen(const FeatureSplits& features,
                               const std::function<Features(std::uint32_t epoch)>& train_features,
                               std::int64_t classes, const FinetuneSettings& settings,
                               std::uint64_t seed, EventSink& sink) {
  const LinearHead head = initial_head(features.validation.x.size(1), classes, seed);
  const std::unique_ptr<Optimizer> optimizer = adam_for(head);
  FinetuneResult result;
  std::vector<LinearHead> heads;
  for (std::uint32_t e = 0; e < settings.epochs; ++e) {
    const Features train = train_features(e);
    const at::Tensor order = shuffled_order(train.x.size(0), seed, e);
    FinetuneEpoch epoch = train_epoch(head, *optimizer, train, order, settings);
    epoch.validation_accuracy = score(head, features.validation);
    heads.push_back(head.copy());
    result.epochs.push_back(epoch);
    if (epoch.validation_accuracy > result.epochs[result.best_epoch].validation_accuracy)
      result.best_epoch = e;
    sink.message(fmt::format("Epoch {}/{}  Train Loss: {:.6f}, Train Acc: {:.6f} | Val Acc: {:.6f}",
                             e + 1, settings.epochs, epoch.train_loss, epoch.train_accuracy,
                             epoch.validation_accuracy));
  }
  for (std::size_t e = 0; e < heads.size(); ++e)
    result.epochs[e].test_accuracy = score(heads[e], features.test);
  return result;
}

}  // namespace simclr
