#include "simclr/data/known_sets.h"

#include <algorithm>

namespace simclr {

const std::vector<KnownSet>& known_sets() {
  static const std::vector<KnownSet> sets{
      {"cifar10", "cifar-10-binary.tar.gz",
       "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", 170052171,
       "c32a1d4ab5d03f1284b67883e8d87530"},
      {"cifar100", "cifar-100-binary.tar.gz",
       "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", 168513733,
       "03b5dce01913d631647c71ecec9e9cb8"},
      {"stl10", "stl10_binary.tar.gz", "https://cs.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
       2640397119, "91f7769df0f17e558f3565bffb0c7dfb"}};
  return sets;
}

std::optional<KnownSet> find_known_set(std::string_view name) {
  const auto& sets = known_sets();
  const auto found =
      std::find_if(sets.begin(), sets.end(), [&](const KnownSet& set) { return set.name == name; });
  return found == sets.end() ? std::nullopt : std::optional(*found);
}

}  // namespace simclr
