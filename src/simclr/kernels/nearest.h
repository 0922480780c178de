#pragma once

#include <cstdint>
#include <vector>

namespace simclr {

/// Rows of length 1 (or 0), one behind the other.
struct UnitRows {
  const float* data = nullptr;  ///< [rows, width]
  std::int64_t rows = 0;        ///< below 2^31
  std::int64_t width = 0;
};

struct Neighbour {
  float similarity = 0.0F;  ///< inner product: the cosine
  std::int32_t row = 0;     ///< of the bank
  bool operator==(const Neighbour&) const = default;
};

/// The k rows of `bank` that are most similar to each query, [queries, k], the nearest first; of
/// equals the earlier row. k is at most the bank's rows. The similarities are f32 sums over the
/// width in one fixed order: the same bits for any number of threads.
///
/// A sieve of 16-bit integers, twice as fast as f32, leaves the rows whose rounded similarity is
/// within the bound of its error of the k-th largest; those are then computed in f32. So the result
/// is that of computing every pair. Where all rows are alike (collapsed features) nothing can be
/// left out, and it takes several times as long.
/// Cost: rows * queries * width multiplications; memory: half the bank's, and 2 * k to `bank.rows`
/// candidates for each of the queries that are in work.
std::vector<Neighbour> nearest_rows(const UnitRows& bank, const UnitRows& queries, std::int64_t k);

}  // namespace simclr
