#pragma once

#include <ATen/ATen.h>

#include <cmath>

#include "simclr/core/random.h"

// What the tests of the contrastive losses share.
namespace simclr {

/// f64 [rows, width], normal, another for each `sample`.
inline at::Tensor random_projections(std::int64_t rows, std::int64_t width, std::uint32_t sample) {
  Random random(RandomKey{.seed = 7, .sample = sample});
  at::Tensor z = at::empty({rows, width}, at::kDouble);
  for (std::int64_t i = 0; i < z.numel(); ++i) z.data_ptr<double>()[i] = random.normal();
  return z;
}

inline double cosine(const at::Tensor& z, std::int64_t i, std::int64_t j) {
  const auto rows = z.accessor<double, 2>();
  double dot = 0;
  double norm_i = 0;
  double norm_j = 0;
  for (std::int64_t d = 0; d < z.size(1); ++d) {
    dot += rows[i][d] * rows[j][d];
    norm_i += rows[i][d] * rows[i][d];
    norm_j += rows[j][d] * rows[j][d];
  }
  return dot / std::sqrt(norm_i * norm_j);
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// Gradient of loss(z) by autograd.
template <class Loss>
at::Tensor gradient_of(const Loss& loss, const at::Tensor& z) {
  const at::Tensor leaf = z.detach().clone().requires_grad_();
  loss(leaf).backward();
  return leaf.grad();
}

/// Gradient of loss(z) by central differences, element by element.
template <class Loss>
at::Tensor difference_quotients(const Loss& loss, const at::Tensor& z, double step = 1e-5) {
  at::Tensor quotients = at::empty_like(z);
  for (std::int64_t i = 0; i < z.numel(); ++i) {
    at::Tensor moved = z.clone();
    double& entry = moved.data_ptr<double>()[i];
    entry += step;
    const double above = loss(moved).template item<double>();
    entry -= 2 * step;
    quotients.data_ptr<double>()[i] = (above - loss(moved).template item<double>()) / (2 * step);
  }
  return quotients;
}

}  // namespace simclr
