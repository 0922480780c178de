#pragma once

#include <ATen/core/Tensor.h>

namespace simclr {

/// x W^T + b by our own products: the same bits for any number of threads. Differentiable.
/// @param x  f32 [B, in] on the CPU  @param weight  [out, in]  @param bias  [out]
at::Tensor native_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// A batch norm's tensors, [C] each; running statistics are moved in training.
struct NormTensors {
  at::Tensor gamma;
  at::Tensor beta;
  at::Tensor running_mean;
  at::Tensor running_variance;
};

/// relu(norm(x)), likewise. @param x  f32 [B, C], C a multiple of 16, B >= 2 in training
at::Tensor native_norm_relu(const at::Tensor& x, const NormTensors& norm, bool training);

}  // namespace simclr
