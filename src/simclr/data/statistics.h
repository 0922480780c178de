#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "simclr/core/events.h"
#include "simclr/data/dataset.h"

namespace simclr {

/// What a set of images holds. Mean and deviation are per channel, over all pixels, in [0, 1].
struct DataStatistics {
  std::vector<std::int64_t> images_per_class;
  std::array<double, 3> mean{};
  std::array<double, 3> deviation{};
};

/// Counts every image and pixel. Labels must be below `classes`.
DataStatistics measure(const Dataset& dataset, std::size_t classes, EventSink& sink);

/// Height and width in pixels.
using Sides = std::pair<int, int>;

/// The sizes of some pictures; smallest and largest by area, all zero if there are none.
struct SizeSummary {
  Sides smallest{};
  Sides largest{};
  Sides most_common{};
  std::size_t most_common_count = 0;
  std::size_t distinct = 0;
};

class SizeCounter {
 public:
  void add(int height, int width) { ++counts_[{height, width}]; }
  SizeSummary summary() const;

 private:
  std::map<Sides, std::size_t> counts_;
};

/// Images whose size and pixels equal an earlier one's.
struct Duplicates {
  std::size_t images = 0;  ///< those with an earlier twin
  /// The first of them, each behind its earliest twin: (earlier, later), by index.
  std::vector<std::pair<std::size_t, std::size_t>> first_pairs;
};

/// Finds them by SHA-256 over every pixel. @param pairs  most first_pairs wanted
Duplicates find_duplicates(const Dataset& dataset, std::size_t pairs, EventSink& sink);

}  // namespace simclr
