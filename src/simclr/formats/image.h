#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace simclr {

/// A picture: u8 RGB, row by row from the top.
struct DecodedImage {
  std::vector<std::uint8_t> pixels;  ///< [height, width, 3]
  int height = 0;
  int width = 0;
};

enum class ImageFormat { kJpeg, kPng, kWebp, kBmp, kPnm };

struct ImageOptions {
  bool exif_orientation = false;          ///< turn as the EXIF tag says; torchvision does not
  std::int64_t max_pixels = 100'000'000;  ///< refused before any allocation
  int max_side = 65'000;                  ///< pixels, likewise
  int max_scans = 100;                    ///< of a progressive JPEG
};

struct ImageSize {
  int height = 0;
  int width = 0;
};

/// What the first bytes say, whatever the file is called; none if it is no picture we read.
std::optional<ImageFormat> image_format(std::span<const std::uint8_t> bytes);

/// Does the name end in .jpg .jpeg .png .webp .bmp .ppm .pgm .pbm or .pnm, in any case?
bool has_image_suffix(const std::filesystem::path& name);

/// Decodes a whole file in memory. Stated rules, equal to PIL's `convert("RGB")` unless said:
/// - grey becomes three equal channels, a palette its colours; gamma and ICC profiles are ignored;
/// - alpha is dropped, not blended;
/// - 16 bits become their high byte (so does PIL for RGB; for grey it clips at 255 instead);
/// - CMYK and YCCK JPEGs: each of R, G, B = 255 - min(255, ink + black), Adobe's inversion undone;
/// - JPEGs use the accurate integer DCT and smooth upsampling, the same bits as PIL's;
/// - the first frame of an animation.
/// @throws Error(kData) without a path if the file is empty, of another kind, damaged, cut short
///         (nothing is filled with grey) or beyond the limits
/// Cost: memory is 3 bytes a pixel and what the codec needs, at most 4 to 8 bytes a pixel more.
DecodedImage decode_image(std::span<const std::uint8_t> bytes, const ImageOptions& options = {});

/// Height and width as decode_image would give them, from the header alone (cheap): what follows
/// the header may still be damaged. @throws as decode_image
ImageSize image_size(std::span<const std::uint8_t> bytes, const ImageOptions& options = {});

}  // namespace simclr
