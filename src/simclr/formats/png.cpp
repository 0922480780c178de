#include "simclr/formats/png.h"

#include <fmt/format.h>
#include <spng.h>

#include <cstdlib>
#include <memory>

#include "simclr/core/error.h"
#include "simclr/core/files.h"

namespace simclr {
namespace {

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
struct FreeBuffer {
  void operator()(void* buffer) const { std::free(buffer); }
};

/// @param where  begins the message of an error
std::string encode(std::span<const std::uint8_t> pixels, int height, int width,
                   const std::string& where) {
  const auto check = [&](int status) {
    if (status == SPNG_OK) return;
    throw Error(ExitCode::kFailed, fmt::format("{}cannot make a PNG of {} x {} pixels: {}", where,
                                               width, height, spng_strerror(status)));
  };
  const std::unique_ptr<spng_ctx, FreeContext> context(spng_ctx_new(SPNG_CTX_ENCODER));
  check(context ? SPNG_OK : SPNG_EMEM);
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(width);
  header.height = static_cast<std::uint32_t>(height);
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  check(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  check(spng_set_ihdr(context.get(), &header));
  check(spng_encode_image(context.get(), pixels.data(), pixels.size(), SPNG_FMT_PNG,
                          SPNG_ENCODE_FINALIZE));
  std::size_t size = 0;
  int status = SPNG_OK;
  const std::unique_ptr<void, FreeBuffer> bytes(spng_get_png_buffer(context.get(), &size, &status));
  check(status);
  return {static_cast<const char*>(bytes.get()), size};
}

}  // namespace

std::string encode_png(std::span<const std::uint8_t> pixels, int height, int width) {
  return encode(pixels, height, width, "");
}

void write_png(const std::filesystem::path& path, std::span<const std::uint8_t> pixels, int height,
               int width) {
  write_file_atomically(path, encode(pixels, height, width, path.string() + ": "));
}

}  // namespace simclr
