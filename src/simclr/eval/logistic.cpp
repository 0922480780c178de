#include "simclr/eval/logistic.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/cholesky_inverse.h>
#include <ATen/ops/linalg_cholesky.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "simclr/eval/lbfgs.h"

namespace simclr {
namespace {

constexpr double kGradientTolerance = 1e-5;
constexpr double kValueNoise = 1e-7;     // of a mean of losses whose scores are f32
constexpr double kSmallestRidge = 1e-8;  // without l2, features may be linearly dependent

/// In f32, three times as fast as in f64; all else is f64, so that only the features' own rounding
/// is added.
at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  return at::mm(a.to(at::kFloat), b.to(at::kFloat)).to(at::kDouble);
}

/// Mean cross-entropy + l2 / 2 * |weight|^2 of parameters that lie flat: per class a row of
/// weights, then its bias.
struct Objective {
  const at::Tensor& xt;      // f32 [F + 1, n], ones last
  const at::Tensor& labels;  // [1, n]
  std::int64_t classes;
  double l2;

  at::Tensor rows(const at::Tensor& flat) const { return flat.view({classes, xt.size(0)}); }
  at::Tensor weight(const at::Tensor& flat) const { return rows(flat).slice(1, 0, -1); }
  at::Tensor bias(const at::Tensor& flat) const { return rows(flat).select(1, -1); }

  double operator()(const at::Tensor& flat, at::Tensor& gradient) const {
    const auto count = static_cast<double>(xt.size(1));
    const at::Tensor log_shares = at::log_softmax(product(rows(flat), xt), 0);  // [classes, n]
    const double entropy = -log_shares.gather(0, labels).sum().item<double>() / count;
    at::Tensor residual = log_shares.exp();
    residual.scatter_(0, labels, residual.gather(0, labels).sub_(1.0)).div_(count);
    rows(gradient).copy_(product(residual, xt.t()));
    const at::Tensor w = weight(flat);
    weight(gradient).add_(w, l2);
    return entropy + 0.5 * l2 * w.square().sum().item<double>();
  }

  /// The inverse Hessian where all classes are equally likely, without their coupling: features of
  /// networks are so correlated that L-BFGS alone needs several times the iterations.
  Preconditioner preconditioner(const at::Tensor& products) const {
    const auto c = static_cast<double>(classes);
    const double curvature = (1.0 - 1.0 / c) / c / static_cast<double>(xt.size(1));
    at::Tensor hessian = products.mul(curvature);  // [F + 1, F + 1]
    hessian.diagonal().add_(std::max(l2, kSmallestRidge));
    const at::Tensor inverse = at::cholesky_inverse(at::linalg_cholesky(hessian));
    return [*this, inverse](const at::Tensor& vector) {
      return at::mm(rows(vector), inverse).flatten();
    };
  }
};

void check_arguments(const at::Tensor& x, const at::Tensor& labels, std::int64_t classes) {
  TORCH_CHECK(x.dim() == 2 && x.size(0) > 0,
              "[LogisticProblem] expected features [n, F] with n at least 1, got ", x.sizes());
  TORCH_CHECK(labels.dim() == 1 && labels.size(0) == x.size(0) && labels.scalar_type() == at::kLong,
              "[LogisticProblem] expected one i64 label for each of ", x.size(0), " rows, got ",
              labels.scalar_type(), " ", labels.sizes());
  const auto lowest = labels.min().item<std::int64_t>();
  const auto highest = labels.max().item<std::int64_t>();
  TORCH_CHECK(lowest >= 0 && highest < classes, "[LogisticProblem] expected labels in [0, ",
              classes, "), got ", lowest, " to ", highest);
}

}  // namespace

LogisticProblem::LogisticProblem(const at::Tensor& x, const at::Tensor& labels,
                                 std::int64_t classes)
    : classes_(classes) {
  check_arguments(x, labels, classes);
  const c10::NoGradGuard no_gradient;
  xt_ = at::cat({x.to(at::kFloat).t(), at::ones({1, x.size(0)}, at::kFloat)});
  labels_ = labels.unsqueeze(0);
  products_ = product(xt_, xt_.t());
}

LogisticModel LogisticProblem::fit(double l2, std::int64_t max_iterations,
                                   const LogisticModel* start) const {
  const c10::NoGradGuard no_gradient;
  const Objective objective{xt_, labels_, classes_, l2};
  const at::Tensor from = start != nullptr
                              ? at::cat({start->weight, start->bias.unsqueeze(1)}, 1).flatten()
                              : at::zeros({classes_ * xt_.size(0)}, at::kDouble);
  const LbfgsResult found = minimize_lbfgs(objective, from, objective.preconditioner(products_),
                                           {.max_iterations = max_iterations,
                                            .gradient_tolerance = kGradientTolerance,
                                            .value_noise = kValueNoise});
  return {objective.weight(found.point).contiguous(), objective.bias(found.point).contiguous(),
          found.iterations, found.converged};
}

}  // namespace simclr
