// Windows bitmaps: BITMAPFILEHEADER, then BITMAPINFOHEADER or a longer one. Little-endian.
#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdlib>

#include "simclr/formats/bytes.h"
#include "simclr/formats/image_readers.h"

namespace simclr::detail {
namespace {

constexpr std::size_t kFileHeaderBytes = 14;
constexpr std::uint32_t kInfoHeaderBytes = 40;
constexpr std::uint32_t kUncompressed = 0;
constexpr std::uint32_t kMaxColors = 256;

struct Header {
  ImageSize size;
  bool top_down = false;
  std::uint32_t bits = 0;      ///< of a pixel: 8, 24 or 32
  std::uint32_t colors = 0;    ///< of the palette
  std::size_t palette_at = 0;  ///< 4 bytes a colour: B G R 0
  std::size_t pixels_at = 0;   ///< rows from there on
  std::size_t bytes_per_pixel() const { return bits / 8; }
  std::size_t row_bytes() const { return static_cast<std::size_t>(size.width) * bytes_per_pixel(); }
  std::size_t stride() const { return (row_bytes() + 3) / 4 * 4; }
};

std::uint32_t number(Bytes bytes, std::size_t at, std::size_t count) {
  if (const auto value = number_at(bytes, at, count)) return *value;
  throw bad_image("truncated BMP");
}

Header read_header(Bytes bytes, const ImageOptions& options) {
  Header header;
  header.pixels_at = number(bytes, 10, 4);
  const std::uint32_t info_bytes = number(bytes, 14, 4);
  if (info_bytes < kInfoHeaderBytes) {
    throw bad_image(fmt::format("a BMP with a header of {} bytes; {} or more are read", info_bytes,
                                kInfoHeaderBytes));
  }
  const std::int64_t width = std::bit_cast<std::int32_t>(number(bytes, 18, 4));
  const std::int64_t height = std::bit_cast<std::int32_t>(number(bytes, 22, 4));
  header.bits = number(bytes, 28, 2);
  const std::uint32_t compression = number(bytes, 30, 4);
  if (compression != kUncompressed ||
      (header.bits != 8 && header.bits != 24 && header.bits != 32)) {
    throw bad_image(fmt::format(
        "a BMP of {} bits, compression {}; uncompressed ones of 8, 24 and 32 bits are read",
        header.bits, compression));
  }
  header.top_down = height < 0;
  header.size = checked_size(std::abs(height), width, options);
  if (header.bits == 8) {
    const std::uint32_t stated = number(bytes, 46, 4);
    header.colors = stated == 0 ? kMaxColors : stated;
    header.palette_at = kFileHeaderBytes + std::size_t{info_bytes};
    if (header.colors > kMaxColors)
      throw bad_image(fmt::format("damaged BMP: a palette of {} colours", stated));
  }
  return header;
}

using Palette = std::array<std::array<std::uint8_t, 3>, kMaxColors>;

Palette read_palette(Bytes bytes, const Header& header) {
  Palette palette{};
  for (std::size_t color = 0; color < header.colors; ++color) {
    const std::uint32_t bgr = number(bytes, header.palette_at + 4 * color, 4);
    palette[color] = {static_cast<std::uint8_t>(bgr >> 16), static_cast<std::uint8_t>(bgr >> 8),
                      static_cast<std::uint8_t>(bgr)};
  }
  return palette;
}

void decode_palette_row(Bytes row, const Palette& palette, std::uint32_t colors,
                        std::uint8_t* out) {
  for (const std::uint8_t color : row) {
    if (color >= colors) {
      throw bad_image(fmt::format("damaged BMP: colour {} of a palette of {}", color, colors));
    }
    for (const std::uint8_t value : palette[color]) *out++ = value;
  }
}

void decode_direct_row(Bytes row, std::size_t bytes_per_pixel, std::uint8_t* out) {
  for (std::size_t at = 0; at < row.size(); at += bytes_per_pixel, out += 3) {
    out[0] = row[at + 2];
    out[1] = row[at + 1];
    out[2] = row[at];
  }
}

}  // namespace

ImageSize bmp_size(Bytes bytes, const ImageOptions& options) {
  return read_header(bytes, options).size;
}

DecodedImage decode_bmp(Bytes bytes, const ImageOptions& options) {
  const Header header = read_header(bytes, options);
  const auto rows = static_cast<std::size_t>(header.size.height);
  // Some writers leave out the padding of the last row.
  const std::size_t least_bytes =
      header.pixels_at + (rows - 1) * header.stride() + header.row_bytes();
  DecodedImage image = blank_image(header.size, bytes, least_bytes, "BMP");
  const Palette palette = read_palette(bytes, header);
  for (std::size_t y = 0; y < rows; ++y) {
    const std::size_t from = header.top_down ? y : rows - 1 - y;
    const Bytes row = bytes.subspan(header.pixels_at + from * header.stride(), header.row_bytes());
    std::uint8_t* out = image.pixels.data() + y * static_cast<std::size_t>(header.size.width) * 3;
    if (header.bits == 8) {
      decode_palette_row(row, palette, header.colors, out);
    } else {
      decode_direct_row(row, header.bytes_per_pixel(), out);
    }
  }
  return image;
}

}  // namespace simclr::detail
