#include "simclr/eval/linear_probe.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/var_mean.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <array>
#include <tuple>

#include "simclr/eval/logistic.h"
#include "simclr/loss/cross_entropy.h"

namespace simclr {
namespace {

/// Strongest first: each fit starts where the one before ended, and of equals the first is kept.
constexpr std::array kL2Grid{1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
/// A feature that never changes becomes 0, not noise of size 1.
constexpr double kSmallestDeviation = 1e-6;

struct Scaling {
  at::Tensor mean;       // f64 [F]
  at::Tensor deviation;  // f64 [F]

  at::Tensor operator()(const at::Tensor& x) const {
    return x.to(at::kDouble).sub_(mean).div_(deviation);
  }
};

Scaling scaling_of(const at::Tensor& x) {
  const auto [variance, mean] = at::var_mean(x.to(at::kDouble), at::IntArrayRef{0}, false);
  return {mean, variance.sqrt().clamp_min(kSmallestDeviation)};
}

double score(const LogisticModel& model, const at::Tensor& x, const at::Tensor& labels) {
  return accuracy(at::addmm(model.bias, x, model.weight.t()), labels);
}

}  // namespace

LinearResult linear_probe(const FeatureSplits& features, std::int64_t classes,
                          const LinearSettings& settings, EventSink& sink) {
  const c10::NoGradGuard no_gradient;
  const Scaling scaled = scaling_of(features.train.x);
  const at::Tensor train = scaled(features.train.x);
  const at::Tensor validation = scaled(features.validation.x);

  LinearResult best;
  LogisticModel chosen;
  LogisticModel last;
  std::int64_t fits = 0;
  for (const double l2 : kL2Grid) {
    last = fit_logistic(train, features.train.labels, classes, l2, settings.iterations,
                        fits > 0 ? &last : nullptr);
    const double found = score(last, validation, features.validation.labels);
    if (fits == 0 || found > best.validation_accuracy) {
      best.l2 = l2;
      best.validation_accuracy = found;
      chosen = last;
    }
    sink.progress("linear probe", ++fits, kL2Grid.size(), fmt::format("L2 {:g}", l2));
  }
  if (!chosen.converged) {
    sink.message(fmt::format(
        "Linear probe: the fit with L2 {:g} was stopped after {} iterations, short of its optimum.",
        best.l2, chosen.iterations));
  }
  best.train_accuracy = score(chosen, train, features.train.labels);
  best.test_accuracy = score(chosen, scaled(features.test.x), features.test.labels);
  return best;
}

}  // namespace simclr
