#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace simclr {

/// A published set of images that can be fetched by its name.
struct KnownSet {
  std::string_view name;
  std::string_view file;  ///< what its archive is called
  std::string_view url;
  std::uint64_t size;  ///< bytes
  std::string_view md5;
};

/// cifar10, cifar100 (binary versions) and stl10, as their publishers give them.
const std::vector<KnownSet>& known_sets();

std::optional<KnownSet> find_known_set(std::string_view name);

}  // namespace simclr
