#include "simclr/data/statistics.h"

#include <cmath>

namespace simclr {

DataStatistics measure(const Dataset& dataset, std::size_t classes) {
  DataStatistics statistics;
  statistics.images_per_class.resize(classes);
  // Sums of whole numbers: exact, whatever the order.
  std::array<std::uint64_t, 3> sum{};
  std::array<std::uint64_t, 3> sum_of_squares{};
  std::uint64_t pixels = 0;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const Image image = dataset.get(i);
    if (image.label >= 0) ++statistics.images_per_class.at(static_cast<std::size_t>(image.label));
    for (std::size_t p = 0; p < image.pixels.size(); ++p) {
      const std::uint64_t value = image.pixels[p];
      sum[p % 3] += value;
      sum_of_squares[p % 3] += value * value;
    }
    pixels += image.pixels.size() / 3;
  }
  for (std::size_t c = 0; c < 3 && pixels > 0; ++c) {
    const double count = static_cast<double>(pixels);
    const double mean = static_cast<double>(sum[c]) / count;
    const double variance = static_cast<double>(sum_of_squares[c]) / count - mean * mean;
    statistics.mean[c] = mean / 255.0;
    statistics.deviation[c] = std::sqrt(std::max(variance, 0.0)) / 255.0;
  }
  return statistics;
}

}  // namespace simclr
