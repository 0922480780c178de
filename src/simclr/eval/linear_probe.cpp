#include "simclr/eval/linear_probe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/var_mean.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
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
constexpr std::int64_t kRowsPerBlock = 4096;

struct Scaling {
  at::Tensor mean;       // f64 [F]
  at::Tensor deviation;  // f64 [F]

  /// f32, a block of rows at a time: in f64 a whole data set would be several times its size.
  at::Tensor operator()(const at::Tensor& x) const {
    at::Tensor scaled = at::empty(x.sizes(), at::kFloat);
    for (std::int64_t first = 0; first < x.size(0); first += kRowsPerBlock) {
      const std::int64_t last = std::min(first + kRowsPerBlock, x.size(0));
      scaled.slice(0, first, last)
          .copy_(x.slice(0, first, last).to(at::kDouble).sub_(mean).div_(deviation));
    }
    return scaled;
  }
};

Scaling scaling_of(const at::Tensor& x) {
  const auto [variance, mean] = at::var_mean(x.to(at::kDouble), at::IntArrayRef{0}, false);
  return {mean, variance.sqrt().clamp_min(kSmallestDeviation)};
}

at::Tensor scores_of(const LogisticModel& model, const at::Tensor& x) {
  return at::addmm(model.bias.to(at::kFloat), x, model.weight.to(at::kFloat).t());
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
  const LogisticProblem problem(train, features.train.labels, classes);
  for (const double l2 : kL2Grid) {
    last = problem.fit(l2, settings.iterations, fits > 0 ? &last : nullptr);
    best.iterations += last.iterations;
    const double found = accuracy(scores_of(last, validation), features.validation.labels);
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
  const at::Tensor weight = chosen.weight / scaled.deviation;
  best.weight = weight.to(at::kFloat);
  best.bias = (chosen.bias - at::mv(weight, scaled.mean)).to(at::kFloat);
  best.train_accuracy = accuracy(scores_of(chosen, train), features.train.labels);
  best.test = score_classes(scores_of(chosen, scaled(features.test.x)), features.test.labels);
  return best;
}

}  // namespace simclr
