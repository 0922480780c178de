#include "simclr/kernels/sieve.h"

#include <algorithm>
#include <cmath>

#include "simclr/core/parallel.h"

namespace simclr {
namespace {

/// Added and taken away again, it leaves a float of less than 2^22 rounded to a whole number, which
/// compilers turn into vectors where std::nearbyint is a call.
constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23
/// Rounding of an f32 inner product of rows of length 1, thousands wide.
constexpr double kFloatError = 4e-6;

}  // namespace

RoundedRows::RoundedRows(const UnitRows& rows)
    : pairs_((rows.width + 1) / 2),
      values_(static_cast<std::size_t>(rows.rows * 2 * pairs_)),
      errors_(static_cast<std::size_t>(rows.rows)) {
  parallel_for(rows.rows, [&](std::int64_t i) {
    const float* from = rows.data + i * rows.width;
    std::int16_t* to = values_.data() + i * 2 * pairs_;
    for (std::int64_t j = 0; j < rows.width; ++j) {
      const float scaled = std::clamp(from[j], -1.0F, 1.0F) * kSieveOne;
      to[j] = static_cast<std::int16_t>((scaled + kRounder) - kRounder);
    }
    double error = 0.0;
    for (std::int64_t j = 0; j < rows.width; ++j) {
      const double lost = from[j] - to[j] / static_cast<double>(kSieveOne);
      error += lost * lost;
    }
    errors_[static_cast<std::size_t>(i)] = std::sqrt(error);
  });
}

double RoundedRows::largest_error() const {
  return errors_.empty() ? 0.0 : *std::max_element(errors_.begin(), errors_.end());
}

RoundedPanels::RoundedPanels(const UnitRows& rows)
    : pairs_((rows.width + 1) / 2),
      values_(static_cast<std::size_t>(pieces_of(rows.rows, kPanel) * pairs_ * 2 * kPanel)),
      largest_error_(0.0) {
  const RoundedRows rounded(rows);
  largest_error_ = rounded.largest_error();
  parallel_for(pieces_of(rows.rows, kPanel), [&](std::int64_t p) {
    std::int16_t* to = values_.data() + p * pairs_ * 2 * kPanel;
    const std::int64_t filled = std::min<std::int64_t>(kPanel, rows.rows - p * kPanel);
    for (std::int64_t l = 0; l < filled; ++l) {
      const std::int16_t* from = rounded.row(p * kPanel + l);
      for (std::int64_t k = 0; k < pairs_; ++k) {
        to[(k * kPanel + l) * 2] = from[2 * k];
        to[(k * kPanel + l) * 2 + 1] = from[2 * k + 1];
      }
    }
  });
}

std::int64_t sieve_slack(double query_error, double bank_error) {
  // |q b - Q B| <= |q - Q| |b| + |Q| |b - B|, with |b| <= 1 and |Q| <= 1 + |q - Q|.
  const double most = query_error + (1.0 + query_error) * bank_error + kFloatError;
  return static_cast<std::int64_t>(std::ceil(2.0 * most * kSieveOne * kSieveOne));
}

}  // namespace simclr
