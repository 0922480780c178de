#include "simclr/formats/png.h"

#include <gtest/gtest.h>
#include <spng.h>

#include <memory>
#include <string>
#include <vector>

#include "simclr/core/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

std::vector<std::uint8_t> some_pixels(int height, int width) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width * 3));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37);
  return pixels;
}

struct Decoded {
  spng_ihdr header{};
  std::vector<std::uint8_t> pixels;
};

Decoded decode(const std::string& bytes) {
  Decoded decoded;
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context(spng_ctx_new(0), spng_ctx_free);
  std::size_t size = 0;
  EXPECT_EQ(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()), SPNG_OK);
  EXPECT_EQ(spng_get_ihdr(context.get(), &decoded.header), SPNG_OK);
  EXPECT_EQ(spng_decoded_image_size(context.get(), SPNG_FMT_RGB8, &size), SPNG_OK);
  decoded.pixels.resize(size);
  EXPECT_EQ(spng_decode_image(context.get(), decoded.pixels.data(), size, SPNG_FMT_RGB8, 0),
            SPNG_OK);
  return decoded;
}

TEST(WritePng, PixelsComeBackAsTheyWere) {
  const TempFolder folder;
  for (const auto& [height, width] : {std::pair(1, 1), std::pair(5, 3), std::pair(32, 320)}) {
    const auto pixels = some_pixels(height, width);
    write_png(folder / "a.png", pixels, height, width);
    const Decoded decoded = decode(read_file(folder / "a.png"));
    EXPECT_EQ(decoded.header.height, static_cast<std::uint32_t>(height));
    EXPECT_EQ(decoded.header.width, static_cast<std::uint32_t>(width));
    EXPECT_EQ(decoded.header.bit_depth, 8);
    EXPECT_EQ(decoded.header.color_type, SPNG_COLOR_TYPE_TRUECOLOR);
    EXPECT_EQ(decoded.pixels, pixels);
  }
}

TEST(WritePng, EqualPixelsGiveEqualBytes) {
  const TempFolder folder;
  write_png(folder / "a.png", some_pixels(8, 8), 8, 8);
  write_png(folder / "b.png", some_pixels(8, 8), 8, 8);
  EXPECT_EQ(read_file(folder / "a.png"), read_file(folder / "b.png"));
}

TEST(WritePng, PixelsThatDoNotFitTheSidesAreAnError) {
  const TempFolder folder;
  const Error error = expect_error(ExitCode::kFailed,
                                   [&] { write_png(folder / "a.png", some_pixels(2, 2), 2, 3); });
  EXPECT_TRUE(
      contains(error.what(), (folder / "a.png").string() + ": cannot make a PNG of 3 x 2 pixels: "))
      << error.what();
  EXPECT_FALSE(std::filesystem::exists(folder / "a.png"));
}

TEST(WritePng, FolderThatIsNotThereIsNamed) {
  const TempFolder folder;
  const auto path = folder / "none" / "a.png";
  const Error error =
      expect_error(ExitCode::kFailed, [&] { write_png(path, some_pixels(1, 1), 1, 1); });
  EXPECT_EQ(std::string(error.what()), path.string() + ": cannot write: No such file or directory");
}

}  // namespace
}  // namespace simclr
