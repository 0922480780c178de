#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace simclr {

/// How near the two views of an image lie: mean squared distance of their unit vectors, 0 (equal)
/// to 4 (opposite). Wang & Isola 2020, arXiv:2005.10242, with exponent 2.
/// @param z  f32 or f64 [2N, D]; rows i and i+N are views of image i; normalised here
/// @throws c10::Error  if z is not 2-D, or has an odd number of rows or none
double alignment(const at::Tensor& z);

/// How evenly unit vectors cover the sphere: log of the mean of exp(-2 squared distance) over pairs
/// of different rows, 0 (all equal) down to about -4 (evenly, in many dimensions). Same source.
/// @param z  f32 or f64 [n, D], n >= 2; normalised here
/// Cost: O(n^2 D) time, O(n^2) memory.
double uniformity(const at::Tensor& z);

/// RankMe: exp of the entropy of the singular values over their sum: about the number of
/// directions that features use, 1 (all on one line) to min(n, F). Garrido et al. 2023,
/// arXiv:2210.02885, eq. 1, with singular values from the smaller Gram matrix in f64.
/// @param h  f32 or f64 [n, F], not centred, as there; all zeros: 0
double effective_rank(const at::Tensor& h);

/// Share of rows whose `k` nearest other rows (cosine; weights exp(cosine / temperature), as in kNN
/// evaluation) vote for their own label: leave-one-out, so that one set of images is enough.
/// @param h       f32 or f64 [n, F], n >= 2  @param labels  i64 [n], in [0, classes)
/// Cost: O(n^2 F) time, O(n^2) memory.
double leave_one_out_accuracy(const at::Tensor& h, const at::Tensor& labels, std::int64_t classes,
                              std::int64_t k, double temperature);

}  // namespace simclr
