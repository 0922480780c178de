#include "simclr/eval/linear_sgd.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/eval/linear_head.h"
#include "simclr/loss/cross_entropy.h"
#include "simclr/optim/schedule.h"

namespace simclr {
namespace {

/// Of a batch of 256.
constexpr std::array kRates{0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0};
constexpr auto kHeads = static_cast<std::int64_t>(kRates.size());
constexpr double kMomentum = 0.9;

/// One linear classifier for each rate, side by side: rows r * classes to (r + 1) * classes of the
/// weights are the r-th's.
class Heads {
 public:
  Heads(std::int64_t width, std::int64_t classes)
      : classes_(classes),
        weight_(at::zeros({kHeads * classes, width}, at::kFloat)),
        bias_(at::zeros({kHeads * classes}, at::kFloat)),
        weight_momentum_(at::zeros_like(weight_)),
        bias_momentum_(at::zeros_like(bias_)) {}

  /// One step on a batch; loss and accuracy of each head go into the epochs, weighed by `share`.
  void step(const at::Tensor& x, const at::Tensor& labels, const at::Tensor& rates, double share,
            std::vector<ProbeEpoch>& epochs) {
    const std::int64_t count = x.size(0);
    const at::Tensor scores = at::addmm(bias_, x, weight_.t());  // [B, heads * classes]
    const at::Tensor log_shares = at::log_softmax(scores.view({count, kHeads, classes_}), 2);
    const at::Tensor own = labels.view({count, 1, 1}).expand({count, kHeads, 1});
    const at::Tensor losses = log_shares.gather(2, own).sum(0).flatten();
    for (std::size_t r = 0; r < kRates.size(); ++r) {
      const auto head = static_cast<std::int64_t>(r);
      epochs[r].train_loss -= share * losses[head].item<double>() / static_cast<double>(count);
      epochs[r].train_accuracy += share * accuracy(log_shares.select(1, head), labels);
    }
    at::Tensor residual = log_shares.exp();
    residual.scatter_add_(2, own, at::full({count, kHeads, 1}, -1.0F)).div_(count);
    const at::Tensor slope = residual.view({count, kHeads * classes_});
    update(weight_, weight_momentum_, at::mm(slope.t(), x), rates.unsqueeze(1));
    update(bias_, bias_momentum_, slope.sum(0), rates);
  }

  LinearHead head(std::size_t r) const {
    const std::int64_t first = static_cast<std::int64_t>(r) * classes_;
    return {weight_.slice(0, first, first + classes_), bias_.slice(0, first, first + classes_)};
  }
  std::int64_t classes() const { return classes_; }

 private:
  static void update(at::Tensor& value, at::Tensor& momentum, const at::Tensor& gradient,
                     const at::Tensor& rates) {
    momentum.mul_(kMomentum).add_(gradient);
    value.sub_(gradient.add(momentum, kMomentum).mul_(rates));  // Nesterov
  }

  std::int64_t classes_;
  at::Tensor weight_;  // f32 [heads * classes, F]
  at::Tensor bias_;    // f32 [heads * classes]
  at::Tensor weight_momentum_;
  at::Tensor bias_momentum_;
};

/// The rate of each row of the heads at one step: f32 [heads * classes].
at::Tensor rates_at(std::int64_t step, const RunLength& run, const LinearSettings& settings,
                    std::int64_t classes) {
  OptimSettings cosine;
  cosine.schedule = Schedule::kCosine;
  at::Tensor rates = at::empty({kHeads, classes}, at::kFloat);
  for (std::size_t r = 0; r < kRates.size(); ++r) {
    const double peak = kRates[r] * static_cast<double>(settings.batch_size) / 256.0;
    rates[static_cast<std::int64_t>(r)].fill_(learning_rate(cosine, peak, step, run));
  }
  return rates.flatten();
}

std::vector<ProbeEpoch> train_epoch(Heads& heads, const Features& train, std::uint32_t epoch,
                                    const LinearSettings& settings, std::uint64_t seed) {
  std::vector<ProbeEpoch> epochs(kRates.size());
  const std::int64_t count = train.x.size(0);
  const std::int64_t steps =
      batches_per_epoch(static_cast<std::size_t>(count), settings.batch_size, /*drop_last=*/false);
  const at::Tensor order = shuffled_order(count, seed, epoch);
  for (std::int64_t s = 0; s < steps; ++s) {
    const std::int64_t first = s * settings.batch_size;
    const at::Tensor rows = order.slice(0, first, std::min(count, first + settings.batch_size));
    heads.step(
        train.x.index_select(0, rows), train.labels.index_select(0, rows),
        rates_at(epoch * steps + s, {steps, settings.epochs * steps}, settings, heads.classes()),
        static_cast<double>(rows.size(0)) / static_cast<double>(count), epochs);
  }
  return epochs;
}

/// 0 for a head whose rate was so high that its weights are no numbers.
double score(const LinearHead& head, const Features& features) {
  if (!head.weight.isfinite().all().item<bool>()) return 0.0;
  return accuracy(head(features.x), features.labels);
}

std::size_t best_rate(const std::vector<TrainingCurve>& curves) {
  std::size_t best = 0;
  for (std::size_t r = 1; r < curves.size(); ++r) {
    const double found = curves[r].validation_accuracy();
    const double before = curves[best].validation_accuracy();
    if (found > before || (found == before && curves[r].best_epoch < curves[best].best_epoch))
      best = r;
  }
  return best;
}

}  // namespace

LinearSgdResult linear_sgd(const FrozenData& data, const LinearSettings& settings,
                           std::uint64_t seed, EventSink& sink) {
  const c10::NoGradGuard no_gradient;
  Heads heads(data.validation.x.size(1), data.classes);
  std::vector<TrainingCurve> curves(kRates.size());
  std::vector<std::vector<LinearHead>> kept(kRates.size());
  for (std::uint32_t e = 0; e < settings.epochs; ++e) {
    std::vector<ProbeEpoch> epochs = train_epoch(heads, data.train(e), e, settings, seed);
    for (std::size_t r = 0; r < kRates.size(); ++r) {
      epochs[r].validation_accuracy = score(heads.head(r), data.validation);
      curves[r].add(epochs[r]);
      kept[r].push_back(heads.head(r).copy());
    }
    const std::size_t best = best_rate(curves);
    sink.message(fmt::format("Epoch {}/{}  best so far: Val Acc: {:.6f} (rate {:g}, epoch {})",
                             e + 1, settings.epochs, curves[best].validation_accuracy(),
                             kRates[best], curves[best].best_epoch + 1));
  }
  const std::size_t chosen = best_rate(curves);
  LinearSgdResult result{kRates[chosen], std::move(curves[chosen])};
  for (std::size_t e = 0; e < kept[chosen].size(); ++e)
    result.curve.epochs[e].test_accuracy = score(kept[chosen][e], data.test);
  result.curve.test =
      score_classes(kept[chosen][result.curve.best_epoch](data.test.x), data.test.labels);
  return result;
}

}  // namespace simclr
