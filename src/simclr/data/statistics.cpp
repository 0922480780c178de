#include "simclr/data/statistics.h"

#include <cmath>
#include <string>
#include <string_view>
#include <unordered_map>

#include "simclr/data/image_keys.h"

namespace simclr {
namespace {

constexpr std::size_t kImagesPerEvent = 256;

void report(std::string_view task, std::size_t index, const Dataset& dataset, EventSink& sink) {
  if (index % kImagesPerEvent > 0) return;
  sink.progress(task, static_cast<std::int64_t>(index + 1),
                static_cast<std::int64_t>(dataset.size()), "");
}

}  // namespace

DataStatistics measure(const Dataset& dataset, std::size_t classes, EventSink& sink) {
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
    report("measuring images", i, dataset, sink);
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

SizeSummary SizeCounter::summary() const {
  SizeSummary result;
  const auto area = [](const Sides& sides) { return std::int64_t{sides.first} * sides.second; };
  for (const auto& [sides, count] : counts_) {
    if (result.distinct == 0 || area(sides) < area(result.smallest)) result.smallest = sides;
    if (result.distinct == 0 || area(sides) > area(result.largest)) result.largest = sides;
    if (count > result.most_common_count) {
      result.most_common = sides;
      result.most_common_count = count;
    }
    ++result.distinct;
  }
  return result;
}

Duplicates find_duplicates(const Dataset& dataset, std::size_t pairs, EventSink& sink) {
  Duplicates found;
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const auto [twin, is_new] = seen.emplace(image_digest(dataset.get(i)), i);
    if (!is_new) {
      ++found.images;
      if (found.first_pairs.size() < pairs) found.first_pairs.emplace_back(twin->second, i);
    }
    report("looking for duplicates", i, dataset, sink);
  }
  return found;
}

}  // namespace simclr
