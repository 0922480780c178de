#include <fmt/format.h>
#include <spng.h>

#include <memory>

#include "simclr/formats/image_readers.h"

namespace simclr::detail {
namespace {

constexpr std::size_t kMaxChunkBytes = std::size_t{16} << 20;  // text and profiles, unpacked
constexpr std::size_t kMaxCacheBytes = std::size_t{32} << 20;  // of all of them
constexpr std::uint64_t kMaxDeflateRatio = 1032;               // 258 bytes for two bits

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using Context = std::unique_ptr<spng_ctx, FreeContext>;

void check(int status) {
  if (status == SPNG_OK) return;
  if (status == SPNG_IO_EOF) throw bad_image("truncated PNG");
  throw bad_image(fmt::format("damaged PNG: {}", spng_strerror(status)));
}

Context open(Bytes bytes, spng_ihdr& header) {
  Context context(spng_ctx_new(0));
  check(context ? SPNG_OK : SPNG_EMEM);
  check(spng_set_chunk_limits(context.get(), kMaxChunkBytes, kMaxCacheBytes));
  check(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()));
  check(spng_get_ihdr(context.get(), &header));
  return context;
}

std::uint64_t channels_of(std::uint8_t color_type) {
  switch (color_type) {
    case SPNG_COLOR_TYPE_TRUECOLOR:
      return 3;
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
      return 2;
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
      return 4;
    default:  // grey or a palette
      return 1;
  }
}

std::uint64_t least_bytes(const spng_ihdr& header) {
  const std::uint64_t row_bits = channels_of(header.color_type) * header.bit_depth * header.width;
  return (row_bits + 7) / 8 * header.height / kMaxDeflateRatio;
}

}  // namespace

ImageSize png_size(Bytes bytes, const ImageOptions& options) {
  spng_ihdr header{};
  open(bytes, header);
  return checked_size(header.height, header.width, options);
}

DecodedImage decode_png(Bytes bytes, const ImageOptions& options) {
  spng_ihdr header{};
  const Context context = open(bytes, header);
  DecodedImage image = blank_image(checked_size(header.height, header.width, options), bytes,
                                   least_bytes(header), "PNG");
  check(
      spng_decode_image(context.get(), image.pixels.data(), image.pixels.size(), SPNG_FMT_RGB8, 0));
  return image;
}

}  // namespace simclr::detail
