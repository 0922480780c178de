#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace simclr {

/// Value at `point` (f64 [n]); writes the gradient there to `gradient` (f64 [n]).
using SmoothFunction = std::function<double(const at::Tensor& point, at::Tensor& gradient)>;

/// An approximate inverse Hessian applied to a vector f64 [n]; symmetric, positive definite.
using Preconditioner = std::function<at::Tensor(const at::Tensor& vector)>;

struct LbfgsOptions {
  std::int64_t max_iterations = 300;
  double gradient_tolerance = 1e-5;  ///< of the largest gradient entry
  std::size_t history = 10;          ///< pairs of steps and gradient changes kept
  double value_noise = 0.0;          ///< of rounding: values this close are equal
};

struct LbfgsResult {
  at::Tensor point;  ///< f64 [n]
  double value = 0.0;
  std::int64_t iterations = 0;
  bool converged = false;
};

/// Minimises by L-BFGS with a strong-Wolfe line search. Nocedal & Wright 2006, algorithms 7.4, 7.5,
/// 3.5 and 3.6 (c1 1e-4, c2 0.9), with `precondition` as the inverse Hessian it starts from, scaled
/// by the last step. Stops when converged, after max_iterations, or where the line
/// search finds no better point.
LbfgsResult minimize_lbfgs(const SmoothFunction& function, const at::Tensor& start,
                           const Preconditioner& precondition, const LbfgsOptions& options);

}  // namespace simclr
