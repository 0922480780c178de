#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace simclr {

/// Value at `point` (f64 [n]); writes the gradient there to `gradient` (f64 [n]).
using SmoothFunction = std::function<double(const at::Tensor& point, at::Tensor& gradient)>;

struct LbfgsOptions {
  std::int64_t max_iterations = 300;
  double gradient_tolerance = 1e-5;  ///< of the largest gradient entry
  std::size_t history = 10;          ///< pairs of steps and gradient changes kept
};

struct LbfgsResult {
  at::Tensor point;  ///< f64 [n]
  double value = 0.0;
  std::int64_t iterations = 0;
  bool converged = false;
};

/// Minimises by L-BFGS with a strong-Wolfe line search. Nocedal & Wright 2006, algorithms 7.4, 7.5,
/// 3.5 and 3.6 (c1 1e-4, c2 0.9). Stops when converged, after max_iterations, or where the line
/// search finds no better point.
LbfgsResult minimize_lbfgs(const SmoothFunction& function, const at::Tensor& start,
                           const LbfgsOptions& options);

}  // namespace simclr
