#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simclr/data/dataset.h"

namespace simclr {

/// The names of the ten classes, by label.
const std::vector<std::string>& shapes10_class_names();

/// Draws one 32x32 RGB image of class `label`. Image `index` of a seed is always the same; training
/// and test images use different index ranges. Returns u8 [32, 32, 3].
std::vector<std::uint8_t> draw_shape(std::uint64_t seed, std::uint32_t index, std::int32_t label);

/// `count` images, labels cycling through the ten classes; image i has index first_index + i.
std::shared_ptr<ImageArray> make_shapes10(std::uint64_t seed, std::uint32_t first_index,
                                          std::size_t count);

}  // namespace simclr
