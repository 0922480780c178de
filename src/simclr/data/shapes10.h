#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simclr/data/dataset.h"

namespace simclr {

inline constexpr int kShapesSide = 32;  ///< pixels

/// The names of the ten classes, by label: six figures, four patterns.
const std::vector<std::string>& shapes10_class_names();

/// Draws one RGB image of class `label`. Only the figure or pattern is the class's; colours, place,
/// size, turn, ground, light and grain come from (seed, index) alone. Same bytes on every machine.
/// @param label  0 .. 9
/// @return u8 [32, 32, 3]
std::vector<std::uint8_t> draw_shape(std::uint64_t seed, std::uint32_t index, std::int32_t label);

/// `count` images, labels cycling through the ten classes; image i has index first_index + i.
/// Cost: 30 us an image.
std::shared_ptr<ImageArray> make_shapes10(std::uint64_t seed, std::uint32_t first_index,
                                          std::size_t count);

}  // namespace simclr
