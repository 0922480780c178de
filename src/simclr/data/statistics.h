#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "simclr/data/dataset.h"

namespace simclr {

/// What a set of images holds. Mean and deviation are per channel, over all pixels, in [0, 1].
struct DataStatistics {
  std::vector<std::int64_t> images_per_class;
  std::array<double, 3> mean{};
  std::array<double, 3> deviation{};
};

/// Counts every image and pixel. Labels must be below `classes`.
DataStatistics measure(const Dataset& dataset, std::size_t classes);

}  // namespace simclr
