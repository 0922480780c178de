#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simclr/core/random.h"
#include "simclr/data/dataset.h"

namespace simclr {

struct TrainValidation {
  std::vector<std::size_t> train;
  std::vector<std::size_t> validation;
};

/// Indices of images whose label is below `classes` (0: all), in order.
std::vector<std::size_t> first_classes(const Dataset& dataset, std::int64_t classes);

/// round(share * n) images of every class, at least one, ascending. Keyed by `seed` alone, and
/// nested: the images of a smaller share are among those of a larger one.
std::vector<std::size_t> stratified_subset(const Dataset& dataset,
                                           const std::vector<std::size_t>& indices, double share,
                                           std::uint64_t seed);

/// Splits `indices` in two, every class alike: round(share * n) of each class for validation, the
/// rest for training.
TrainValidation stratified_split(const Dataset& dataset, const std::vector<std::size_t>& indices,
                                 double share, std::uint64_t seed,
                                 Purpose purpose = Purpose::kSplit);

}  // namespace simclr
