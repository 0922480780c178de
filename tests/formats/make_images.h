#pragma once

#include <gtest/gtest.h>
#include <spng.h>
#include <webp/encode.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>
// clang-format off: it needs <cstdio> before it
#include <jpeglib.h>
// clang-format on

#include "simclr/formats/image.h"

namespace simclr {

using FileBytes = std::vector<std::uint8_t>;

inline FileBytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

inline FileBytes joined(FileBytes front, const FileBytes& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

inline FileBytes first_bytes(const FileBytes& bytes, std::size_t count) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
}

inline FileBytes little(std::uint32_t number, int bytes) {
  FileBytes result;
  for (int i = 0; i < bytes; ++i) result.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
  return result;
}

inline FileBytes big(std::uint32_t number, int bytes) {
  const FileBytes result = little(number, bytes);
  return {result.rbegin(), result.rend()};
}

/// A soft slope, u8 [height, width, 3].
inline DecodedImage slope(int height, int width) {
  DecodedImage image{{}, height, width};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {x * 5 + y, 255 - 3 * x, 40 + 6 * y}) {
        image.pixels.push_back(static_cast<std::uint8_t>(value));
      }
    }
  }
  return image;
}

/// Encodes with libjpeg; `adjust` may change anything before the first row.
inline FileBytes encode_jpeg(const DecodedImage& image,
                             const std::function<void(jpeg_compress_struct&)>& adjust = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 90, TRUE);
  if (adjust) adjust(info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<std::uint8_t*>(image.pixels.data()) +
                std::size_t{3} * info.next_scanline * info.image_width;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  FileBytes bytes(buffer, buffer + size);
  std::free(buffer);
  return bytes;
}

/// Encodes with libspng; `adjust` may add chunks.
inline FileBytes encode_png(const DecodedImage& image,
                            const std::function<void(spng_ctx*)>& adjust = {}) {
  spng_ctx* context = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width);
  header.height = static_cast<std::uint32_t>(image.height);
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
  spng_set_ihdr(context, &header);
  if (adjust) adjust(context);
  EXPECT_EQ(spng_encode_image(context, image.pixels.data(), image.pixels.size(), SPNG_FMT_PNG,
                              SPNG_ENCODE_FINALIZE),
            SPNG_OK);
  std::size_t size = 0;
  int status = SPNG_OK;
  void* buffer = spng_get_png_buffer(context, &size, &status);
  const auto* start = static_cast<const std::uint8_t*>(buffer);
  FileBytes bytes(start, start + size);
  std::free(buffer);
  spng_ctx_free(context);
  return bytes;
}

inline FileBytes encode_webp(const DecodedImage& image) {
  std::uint8_t* buffer = nullptr;
  const std::size_t size = WebPEncodeLosslessRGB(image.pixels.data(), image.width, image.height,
                                                 image.width * 3, &buffer);
  FileBytes bytes(buffer, buffer + size);
  WebPFree(buffer);
  return bytes;
}

/// The 54 bytes before the rows of a BMP without a palette.
inline FileBytes bmp_header(std::int32_t height, std::int32_t width, std::uint32_t bits,
                            std::uint32_t compression = 0) {
  FileBytes bytes = bytes_of("BM");
  for (const std::uint32_t number : {0U, 0U, 54U, 40U}) bytes = joined(bytes, little(number, 4));
  bytes = joined(bytes, little(static_cast<std::uint32_t>(width), 4));
  bytes = joined(bytes, little(static_cast<std::uint32_t>(height), 4));
  bytes = joined(joined(bytes, little(1, 2)), little(bits, 2));
  bytes = joined(bytes, little(compression, 4));
  return joined(bytes, FileBytes(20));
}

/// 24 bits a pixel, rows from the bottom.
inline FileBytes encode_bmp(const DecodedImage& image) {
  FileBytes bytes = bmp_header(image.height, image.width, 24);
  for (int y = image.height - 1; y >= 0; --y) {
    for (int x = 0; x < image.width; ++x) {
      const auto* pixel = image.pixels.data() + (y * image.width + x) * 3;
      bytes.insert(bytes.end(), {pixel[2], pixel[1], pixel[0]});
    }
    bytes.resize(bytes.size() + static_cast<std::size_t>(image.width % 4));
  }
  return bytes;
}

inline FileBytes encode_ppm(const DecodedImage& image) {
  const std::string header =
      "P6\n" + std::to_string(image.width) + " " + std::to_string(image.height) + "\n255\n";
  return joined(bytes_of(header), image.pixels);
}

/// One small file of every format, by its name.
inline std::vector<std::pair<std::string, FileBytes>> one_of_each() {
  const DecodedImage image = slope(24, 31);
  return {{"JPEG", encode_jpeg(image)},
          {"PNG", encode_png(image)},
          {"WebP", encode_webp(image)},
          {"BMP", encode_bmp(image)},
          {"PNM", encode_ppm(image)}};
}

}  // namespace simclr
