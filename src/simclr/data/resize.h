#pragma once

#include <cstdint>
#include <span>

#include "simclr/formats/image.h"

namespace simclr {

/// Resizes a picture, antialiased: every new pixel is a mean of the old ones, weighted by a
/// triangle that is as wide as the picture shrinks. This is torchvision's antialiased bilinear on
/// floats, rounded, and within one level of PIL's BILINEAR, which rounds between its two passes as
/// well.
/// @param pixels  u8 [height, width, 3], height and width at least 1
/// @param to      both sides at least 1
/// Cost: 6 * height * width additions for a large picture; memory 12 * height * to.width bytes.
DecodedImage resize_antialiased(std::span<const std::uint8_t> pixels, ImageSize from, ImageSize to);

/// The size of a picture whose shorter side is shrunk to `side`, as torchvision's Resize: the
/// longer side is cut, not rounded. A picture whose shorter side is not longer stays as it is.
ImageSize shrunk_size(ImageSize size, int side);

}  // namespace simclr
