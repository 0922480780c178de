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
/// - grey becomes three equal channels, a palette its colours; alpha is dropped, not blended;
///   gamma, ICC profiles and transparent colours are ignored;
/// - 16 bits of a PNG become their high byte (PIL clips grey ones at 255 instead); a PNM's values
///   are scaled from its maximum to 255, to the nearest (PIL again clips grey of 16 bits);
/// - CMYK and YCCK JPEGs, taken as inverted, with Adobe's marker or without: R is
///   (255 - C)(255 - K) / 255, rounded, and so on;
/// - JPEGs use the accurate integer DCT and smooth upsampling: the same bits as PIL's;
/// - of an animated WebP the first frame.
/// @throws Error(kData) without a path if the file is empty, of another kind, damaged, cut short
///         (nothing is filled with grey) or beyond the limits; std::bad_alloc if memory is short
/// Memory: 3 bytes a pixel; while decoding up to 8 more (WebP, progressive JPEG). A file too short
/// for the size it states is refused before anything is allocated, WebP excepted.
DecodedImage decode_image(std::span<const std::uint8_t> bytes, const ImageOptions& options = {});

/// Height and width as decode_image would give them, from the header alone (cheap): what follows
/// the header may still be damaged. @throws as decode_image
ImageSize image_size(std::span<const std::uint8_t> bytes, const ImageOptions& options = {});

}  // namespace simclr
