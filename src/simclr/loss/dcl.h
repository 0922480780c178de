#pragma once

#include <ATen/core/Tensor.h>

namespace simclr {

/// Decoupled contrastive loss over 2N projections: NT-Xent without the positive in the denominator.
/// Yeh et al. 2022, arXiv:2110.06848, eq. 6.
/// @param z            f32 or f64 [2N, D], any device; rows i and i+N are views of image i;
/// normalised here
/// @param temperature  > 0, dimensionless
/// @return scalar, natural log, mean over 2N anchors: log of the sum of exp(cosine / temperature)
/// over the 2N-2 views of other images, less the partner's cosine / temperature. ln(2N-2) if all
/// rows are equal. May be below 0. One image has no negatives: only the attraction is left.
/// @throws c10::Error  if z is not 2-D, has an odd row count or none, or temperature <= 0
/// Cost: O(N^2 D) time, O(N D) memory: a block of rows at a time. Once differentiable.
at::Tensor dcl(const at::Tensor& z, double temperature);

}  // namespace simclr
