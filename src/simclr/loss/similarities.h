#pragma once

#include <ATen/core/Tensor.h>

namespace simclr::detail {

/// Throws unless `z` is f32 or f64 [2N, D] with N at least 1, and the temperature above 0. `op`
/// names the loss in the message.
void check_contrastive(const char* op, const at::Tensor& z, double temperature);

/// Cosines of all rows with all, over the temperature: [2N, 2N], differentiable. Rows are
/// normalised here; a row of zeros has cosine 0 with all.
at::Tensor similarities(const at::Tensor& z, double temperature);

/// True where a row meets itself: [2N, 2N].
at::Tensor self_mask(const at::Tensor& z);

}  // namespace simclr::detail
