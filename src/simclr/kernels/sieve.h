#pragma once

#include <cstdint>
#include <vector>

#include "simclr/kernels/nearest.h"
#include "simclr/kernels/panels.h"

// Rows rounded to 16-bit integers, and how far their inner products may then be off: the parts of
// nearest_rows that know no instruction set.
namespace simclr {

/// What 1.0 becomes. The inner product of two rows of length 1 is then below 2^31.
inline constexpr float kSieveOne = 32767.0F;

/// [rows, 2 * pairs] i16; an odd width gets a zero at its end.
class RoundedRows {
 public:
  explicit RoundedRows(const UnitRows& rows);

  const std::int16_t* row(std::int64_t i) const { return values_.data() + i * 2 * pairs_; }
  std::int64_t pairs() const { return pairs_; }
  /// Length of what rounding took from a row.
  double error(std::int64_t i) const { return errors_[static_cast<std::size_t>(i)]; }
  double largest_error() const;

 private:
  std::int64_t pairs_;
  std::vector<std::int16_t> values_;
  std::vector<double> errors_;
};

/// [rows / 16][pairs][16][2] i16: sixteen rows side by side, two values of each at a time; the last
/// panel is filled up with zeros.
class RoundedPanels {
 public:
  explicit RoundedPanels(const UnitRows& rows);

  const std::int16_t* panel(std::int64_t i) const {
    return values_.data() + i * pairs_ * 2 * kPanel;
  }
  double largest_error() const { return largest_error_; }

 private:
  std::int64_t pairs_;
  std::vector<std::int16_t> values_;
  double largest_error_;
};

/// Twice the most that the rounded inner product of two rows with these errors differs from the
/// exact one, in units of the sieve's integers, with room for f32's own rounding: a row that is
/// further below the k-th largest than this is not among the k largest.
std::int64_t sieve_slack(double query_error, double bank_error);

}  // namespace simclr
