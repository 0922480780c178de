#pragma once

#include <cstdint>

namespace simclr {

/// NT-Xent over unit rows, in blocks: O(R D) memory beside one block of similarities for each
/// thread, never R x R. Chen et al. 2020, arXiv:2002.05709, eq. 1. The same bits for any number of
/// threads.
struct NtXentRows {
  const float* unit = nullptr;  ///< [R, D], rows of length 1; rows i and i + R/2 are of one image
  std::int64_t rows = 0;        ///< R, even
  std::int64_t width = 0;       ///< D
  float inverse_temperature = 1.0F;
};

/// @param log_sums   [R]: log of the sum over all other rows of exp(cosine / temperature)
/// @param positives  [R]: cosine / temperature with the other view; the loss is the mean of
///                   log_sums - positives
/// @param hits       [R]: whether every other row is farther than the other view
void nt_xent_rows(const NtXentRows& input, float* log_sums, float* positives, std::uint8_t* hits);

/// gradient [R, D] = scale * d(sum of log_sums - positives) / d(unit).
void nt_xent_rows_gradient(const NtXentRows& input, const float* log_sums, float scale,
                           float* gradient);

}  // namespace simclr
