#include "simclr/report/statistics.h"

#include <array>
#include <cmath>

namespace simclr {

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::optional<double> deviation_of(const std::vector<double>& values) {
  if (values.size() < 2) return std::nullopt;
  const double mean = mean_of(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double student_t(double degrees_of_freedom) {
  constexpr std::array kTable{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                              2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                              2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                              2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
  constexpr double kNormal = 1.959964;
  if (degrees_of_freedom <= 0.0) return kNormal;
  const auto whole = static_cast<std::size_t>(degrees_of_freedom);
  if (whole <= kTable.size()) return kTable[whole == 0 ? 0 : whole - 1];
  const double z = kNormal;
  return z + (z * z * z + z) / (4.0 * degrees_of_freedom);
}

std::optional<Noise> pooled_noise(const std::vector<std::vector<double>>& groups) {
  double squares = 0.0;
  double degrees = 0.0;
  for (const auto& group : groups) {
    const auto deviation = deviation_of(group);
    if (!deviation) continue;
    const auto freedom = static_cast<double>(group.size() - 1);
    squares += *deviation * *deviation * freedom;
    degrees += freedom;
  }
  if (degrees == 0.0) return std::nullopt;
  return Noise{std::sqrt(squares / degrees), degrees, "seeds of other arms of this study"};
}

std::optional<Interval> interval_of(const std::vector<double>& values,
                                    const std::optional<Noise>& noise, double scale) {
  if (values.empty()) return std::nullopt;
  const double mean = mean_of(values);
  if (const auto deviation = deviation_of(values)) {
    const auto n = static_cast<double>(values.size());
    return Interval{mean, student_t(n - 1.0) * *deviation / std::sqrt(n), values.size()};
  }
  if (!noise) return std::nullopt;
  return Interval{mean, student_t(noise->degrees_of_freedom) * noise->deviation * scale, 1};
}

}  // namespace simclr
