#include "simclr/eval/logistic.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include "simclr/eval/lbfgs.h"

namespace simclr {
namespace {

constexpr double kGradientTolerance = 1e-5;

/// Mean cross-entropy + l2 / 2 * |weight|^2 of parameters that lie flat: weight, then bias.
class Objective {
 public:
  Objective(const at::Tensor& x, const at::Tensor& labels, std::int64_t classes, double l2)
      : x_(x.to(at::kDouble).contiguous()),
        labels_(labels.unsqueeze(1)),
        classes_(classes),
        l2_(l2) {}

  at::Tensor weight(const at::Tensor& flat) const {
    return flat.slice(0, 0, classes_ * x_.size(1)).view({classes_, x_.size(1)});
  }
  at::Tensor bias(const at::Tensor& flat) const { return flat.slice(0, classes_ * x_.size(1)); }

  double operator()(const at::Tensor& flat, at::Tensor& gradient) const {
    const auto count = static_cast<double>(x_.size(0));
    const at::Tensor w = weight(flat);
    const at::Tensor log_shares =
        at::log_softmax(at::addmm(bias(flat), x_, w.t()), 1);  // [n, classes]
    const double entropy = -log_shares.gather(1, labels_).sum().item<double>() / count;
    at::Tensor residual = log_shares.exp();
    residual.scatter_(1, labels_, residual.gather(1, labels_).sub_(1.0)).div_(count);
    weight(gradient).copy_(at::mm(residual.t(), x_)).add_(w, l2_);
    bias(gradient).copy_(residual.sum(0));
    return entropy + 0.5 * l2_ * at::dot(w.flatten(), w.flatten()).item<double>();
  }

 private:
  at::Tensor x_;       // f64 [n, F]
  at::Tensor labels_;  // [n, 1]
  std::int64_t classes_;
  double l2_;
};

void check_arguments(const at::Tensor& x, const at::Tensor& labels, std::int64_t classes) {
  TORCH_CHECK(x.dim() == 2 && x.size(0) > 0,
              "[fit_logistic] expected features [n, F] with n at least 1, got ", x.sizes());
  TORCH_CHECK(labels.dim() == 1 && labels.size(0) == x.size(0) && labels.scalar_type() == at::kLong,
              "[fit_logistic] expected one i64 label for each of ", x.size(0), " rows, got ",
              labels.scalar_type(), " ", labels.sizes());
  const auto lowest = labels.min().item<std::int64_t>();
  const auto highest = labels.max().item<std::int64_t>();
  TORCH_CHECK(lowest >= 0 && highest < classes, "[fit_logistic] expected labels in [0, ", classes,
              "), got ", lowest, " to ", highest);
}

}  // namespace

LogisticModel fit_logistic(const at::Tensor& x, const at::Tensor& labels, std::int64_t classes,
                           double l2, std::int64_t max_iterations, const LogisticModel* start) {
  check_arguments(x, labels, classes);
  const c10::NoGradGuard no_gradient;
  const Objective objective(x, labels, classes, l2);
  const at::Tensor from = start != nullptr ? at::cat({start->weight.flatten(), start->bias})
                                           : at::zeros({classes * (x.size(1) + 1)}, at::kDouble);
  const LbfgsResult found =
      minimize_lbfgs(objective, from,
                     {.max_iterations = max_iterations, .gradient_tolerance = kGradientTolerance});
  return {objective.weight(found.point), objective.bias(found.point), found.iterations,
          found.converged};
}

}  // namespace simclr
