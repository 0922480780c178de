#include "simclr/data/splits.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "simclr/core/random.h"

namespace simclr {
namespace {

/// `indices` by label, each class in an order that depends on the key and on the class alone.
std::map<std::int32_t, std::vector<std::size_t>> shuffled_classes(
    const Dataset& dataset, const std::vector<std::size_t>& indices, Purpose purpose,
    std::uint64_t seed) {
  std::map<std::int32_t, std::vector<std::size_t>> classes;
  for (const std::size_t index : indices) classes[dataset.get(index).label].push_back(index);
  for (auto& [label, members] : classes) {
    std::sort(members.begin(), members.end());
    const RandomKey key{seed, purpose, 0, static_cast<std::uint32_t>(label), 0};
    const auto order = permutation(static_cast<std::uint32_t>(members.size()), key);
    std::vector<std::size_t> shuffled;
    shuffled.reserve(members.size());
    for (const std::uint32_t position : order) shuffled.push_back(members[position]);
    members = std::move(shuffled);
  }
  return classes;
}

std::size_t share_of(std::size_t count, double share) {
  return static_cast<std::size_t>(std::lround(share * static_cast<double>(count)));
}

}  // namespace

std::vector<std::size_t> first_classes(const Dataset& dataset, std::int64_t classes) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    if (classes == 0 || dataset.get(i).label < classes) indices.push_back(i);
  }
  return indices;
}

std::vector<std::size_t> stratified_subset(const Dataset& dataset,
                                           const std::vector<std::size_t>& indices, double share,
                                           std::uint64_t seed) {
  std::vector<std::size_t> kept;
  for (const auto& [label, members] : shuffled_classes(dataset, indices, Purpose::kSubset, seed)) {
    const std::size_t count = std::max<std::size_t>(1, share_of(members.size(), share));
    kept.insert(kept.end(), members.begin(), members.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

TrainValidation stratified_split(const Dataset& dataset, const std::vector<std::size_t>& indices,
                                 double share, std::uint64_t seed, Purpose purpose) {
  TrainValidation parts;
  for (const auto& [label, members] : shuffled_classes(dataset, indices, purpose, seed)) {
    const auto middle =
        members.begin() + static_cast<std::ptrdiff_t>(share_of(members.size(), share));
    parts.validation.insert(parts.validation.end(), members.begin(), middle);
    parts.train.insert(parts.train.end(), middle, members.end());
  }
  std::sort(parts.validation.begin(), parts.validation.end());
  std::sort(parts.train.begin(), parts.train.end());
  return parts;
}

}  // namespace simclr
