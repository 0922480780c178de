#pragma once

#include <ATen/core/Tensor.h>

namespace simclr {

/// Mean cross-entropy of class scores f32 [B, classes] against labels i64 [B], natural log; a
/// scalar.
/// @throws c10::Error if the shapes do not fit
at::Tensor cross_entropy(const at::Tensor& scores, const at::Tensor& labels);

/// Share of rows whose highest score is at their label.
double accuracy(const at::Tensor& scores, const at::Tensor& labels);

}  // namespace simclr
