#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace simclr {

/// Multinomial logistic regression: scores = x weight^T + bias.
struct LogisticModel {
  at::Tensor weight;  ///< f64 [classes, F]
  at::Tensor bias;    ///< f64 [classes]
  std::int64_t iterations = 0;
  bool converged = false;
};

/// Minimises mean cross-entropy + l2 / 2 * |weight|^2 (bias free) by L-BFGS with a strong-Wolfe
/// line search, in f64 but for products with x (f32), from `start` (or zeros). Converged when the
/// largest gradient entry is below 1e-5. @throws c10::Error if shapes or labels do not fit
LogisticModel fit_logistic(const at::Tensor& x, const at::Tensor& labels, std::int64_t classes,
                           double l2, std::int64_t max_iterations,
                           const LogisticModel* start = nullptr);

}  // namespace simclr
