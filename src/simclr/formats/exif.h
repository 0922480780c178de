#pragma once

#include <cstdint>
#include <span>

#include "simclr/formats/image.h"

namespace simclr {

/// The orientation 1..8 of a bare EXIF block (a TIFF header and its first directory, tag 0x0112).
/// 1, as stored, if it says none or is malformed. Exif 2.32, section 4.6.4.
int tiff_orientation(std::span<const std::uint8_t> tiff);

/// The same of a whole picture: JPEG's APP1, PNG's eXIf, WebP's EXIF; 1 for the other formats.
int exif_orientation(std::span<const std::uint8_t> picture, ImageFormat format);

/// Does this orientation, 1..8, exchange height and width?
inline bool exchanges_sides(int orientation) { return orientation >= 5; }

/// The picture as it is to be seen. @param orientation 1..8
DecodedImage turned(DecodedImage image, int orientation);

}  // namespace simclr
