#include "simclr/formats/exif.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "simclr/formats/bytes.h"

namespace simclr {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kEntryBytes = 12;  // tag 2, type 2, count 4, value 4
constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kShort = 3;

Bytes part(Bytes bytes, std::size_t at, std::size_t size) {
  return at > bytes.size() ? Bytes{} : bytes.subspan(at, std::min(size, bytes.size() - at));
}

/// The EXIF block of the first APP1 segment that has one, before the picture's own data begins.
Bytes jpeg_exif(Bytes jpeg) {
  constexpr std::string_view kName("Exif\0\0", 6);
  std::size_t at = 2;
  while (const auto marker = number_at(jpeg, at, 2, std::endian::big)) {
    if (*marker == 0xFFFF) {  // a fill byte
      ++at;
      continue;
    }
    const auto size = number_at(jpeg, at + 2, 2, std::endian::big);
    const bool data_begins = *marker == 0xFFDA || *marker == 0xFFD9;
    if (*marker < 0xFF00 || data_begins || !size) break;
    if (*marker == 0xFFE1 && stands_at(jpeg, at + 4, kName)) {
      return part(jpeg, at + 4 + kName.size(), *size - std::min<std::size_t>(*size, 8));
    }
    at += 2 + *size;
  }
  return {};
}

Bytes png_exif(Bytes png) {
  std::size_t at = 8;
  while (const auto size = number_at(png, at, 4, std::endian::big)) {
    if (stands_at(png, at + 4, "eXIf")) return part(png, at + 8, *size);
    at += std::size_t{12} + *size;
  }
  return {};
}

Bytes webp_exif(Bytes webp) {
  std::size_t at = 12;
  while (const auto size = number_at(webp, at + 4, 4)) {
    if (stands_at(webp, at, "EXIF")) {
      const Bytes block = part(webp, at + 8, *size);
      return stands_at(block, 0, "Exif") ? part(block, 6, block.size()) : block;
    }
    at += std::size_t{8} + *size + *size % 2;
  }
  return {};
}

}  // namespace

int tiff_orientation(std::span<const std::uint8_t> tiff) {
  const bool little = stands_at(tiff, 0, "II");
  if (!little && !stands_at(tiff, 0, "MM")) return 1;
  const std::endian order = little ? std::endian::little : std::endian::big;
  const auto directory = number_at(tiff, 4, 4, order);
  if (number_at(tiff, 2, 2, order) != 42U || !directory) return 1;
  const std::uint32_t entries = number_at(tiff, *directory, 2, order).value_or(0);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = *directory + std::size_t{2} + i * kEntryBytes;
    const auto tag = number_at(tiff, at, 2, order);
    if (!tag) return 1;
    if (*tag != kOrientationTag || number_at(tiff, at + 2, 2, order) != kShort) continue;
    const std::uint32_t orientation = number_at(tiff, at + 8, 2, order).value_or(0);
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  }
  return 1;
}

int exif_orientation(std::span<const std::uint8_t> picture, ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return tiff_orientation(jpeg_exif(picture));
    case ImageFormat::kPng:
      return tiff_orientation(png_exif(picture));
    case ImageFormat::kWebp:
      return tiff_orientation(webp_exif(picture));
    case ImageFormat::kBmp:
    case ImageFormat::kPnm:
      break;
  }
  return 1;
}

DecodedImage turned(DecodedImage image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const auto height = static_cast<std::ptrdiff_t>(image.height);
  const auto width = static_cast<std::ptrdiff_t>(image.width);
  DecodedImage result{std::vector<std::uint8_t>(image.pixels.size()), image.height, image.width};
  std::ptrdiff_t step_right = from_right ? -3 : 3;  // in the source, for one pixel of the result
  std::ptrdiff_t step_down = from_bottom ? -3 * width : 3 * width;
  const std::ptrdiff_t start =
      (from_bottom ? (height - 1) * width * 3 : 0) + (from_right ? (width - 1) * 3 : 0);
  if (exchanges_sides(orientation)) {
    std::swap(result.height, result.width);
    std::swap(step_right, step_down);
  }
  std::uint8_t* out = result.pixels.data();
  for (int y = 0; y < result.height; ++y) {
    const std::uint8_t* in = image.pixels.data() + start + y * step_down;
    for (int x = 0; x < result.width; ++x, out += 3) {
      std::copy_n(in + x * step_right, 3, out);
    }
  }
  return result;
}

}  // namespace simclr
