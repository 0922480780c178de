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
/// line search, in f64 but for products with x (f32). What does not depend on l2 is computed once.
class LogisticProblem {
 public:
  /// @param x  [n, F], n at least 1  @param labels  i64 [n]
  /// @throws c10::Error if shapes or labels do not fit
  LogisticProblem(const at::Tensor& x, const at::Tensor& labels, std::int64_t classes);

  /// From `start`, or zeros. Converged when the largest gradient entry is below 1e-5.
  LogisticModel fit(double l2, std::int64_t max_iterations,
                    const LogisticModel* start = nullptr) const;

 private:
  at::Tensor xt_;      ///< f32 [F + 1, n], ones last: images along the fast dimension
  at::Tensor labels_;  ///< [1, n]
  std::int64_t classes_;
  at::Tensor products_;  ///< f64 [F + 1, F + 1], xt_ with itself
};

}  // namespace simclr
