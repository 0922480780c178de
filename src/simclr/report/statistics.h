#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace simclr {

double mean_of(const std::vector<double>& values);

/// Standard deviation with n - 1; nothing for fewer than two values.
std::optional<double> deviation_of(const std::vector<double>& values);

/// The 97.5 % point of Student's t: |t| is below it in 95 of 100 cases. Exact for 1 to 30 degrees
/// of freedom, a series of Cornish and Fisher beyond.
double student_t(double degrees_of_freedom);

/// A value and a 95 % confidence interval around it.
struct Interval {
  double value = 0.0;
  double half = 0.0;
  std::size_t seeds = 0;  ///< it rests on

  double low() const { return value - half; }
  double high() const { return value + half; }
  bool above(double limit) const { return low() > limit; }
  bool below(double limit) const { return high() < limit; }
};

/// How much a value varies from one seed to the next, as far as it is known.
struct Noise {
  double deviation = 0.0;
  double degrees_of_freedom = 0.0;  ///< 0: taken as known
  std::string origin;               ///< in words
};

/// Standard deviation over seeds, pooled over groups of values that share all but the seed; nothing
/// if no group has two.
std::optional<Noise> pooled_noise(const std::vector<std::vector<double>>& groups);

/// Of the mean of `values`, one for each seed. With two seeds or more the interval is Student's;
/// with one it is the noise times `scale` (how the noise of a single figure spreads to the value).
/// Nothing without values, or with one and no noise.
std::optional<Interval> interval_of(const std::vector<double>& values,
                                    const std::optional<Noise>& noise, double scale);

}  // namespace simclr
