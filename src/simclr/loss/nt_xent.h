#pragma once

#include <ATen/core/Tensor.h>

namespace simclr {

/// NT-Xent loss over 2N projections. Chen et al. 2020, arXiv:2002.05709, eq. 1.
/// @param z            f32 or f64 [2N, D], any device; rows i and i+N are views of image i;
/// normalised here
/// @param temperature  > 0, dimensionless
/// @return scalar, natural log, mean over 2N anchors; ln(2N-1) if all rows are equal
/// @throws c10::Error  if z is not 2-D, has an odd row count or none, or temperature <= 0
/// Cost: O(N^2 D) time, O(N D) memory: the similarities of a few rows at a time, never all of them.
/// Deterministic. Once differentiable.
at::Tensor nt_xent(const at::Tensor& z, double temperature);

/// Share of the 2N anchors whose most similar other row (by cosine) is their own image's other
/// view; of equally similar ones none is. Same argument and errors as nt_xent; never part of a
/// gradient.
double contrastive_accuracy(const at::Tensor& z);

}  // namespace simclr
