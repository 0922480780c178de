#pragma once

#include <ATen/core/Tensor.h>

namespace simclr {

/// Supervised contrastive loss over 2N projections: every other view of an image of the same class
/// is a positive. Khosla et al. 2020, arXiv:2004.11362, eq. 2 (the mean over positives outside the
/// logarithm), without the paper's code's factor temperature / 0.07.
/// @param z            f32 or f64 [2N, D], any device; rows i and i+N are views of image i;
/// normalised here
/// @param labels       i64 [N], class of each image
/// @param temperature  > 0, dimensionless
/// @return scalar, natural log, mean over 2N anchors; ln(2N-1) if all rows are equal; NT-Xent's
/// value if all labels differ
/// @throws c10::Error  if z is not 2-D, has an odd row count or none, temperature <= 0, or labels
/// are not i64 [N]
/// Cost: O(N^2 D) time, O(N D) memory: a block of rows at a time. Once differentiable.
at::Tensor supcon(const at::Tensor& z, const at::Tensor& labels, double temperature);

}  // namespace simclr
