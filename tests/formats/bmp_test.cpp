#include <gtest/gtest.h>

#include <limits>

#include "simclr/formats/image.h"
#include "tests/formats/make_images.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

constexpr std::size_t kPaletteColorsAt = 46;

/// 3 x 2 pixels of a palette of `colors`: black, red, ... ; rows are padded to 4 bytes.
FileBytes palette_bmp(std::uint32_t colors, const FileBytes& rows) {
  FileBytes file = bmp_header(2, 3, 8);
  for (std::uint32_t color = 0; color < colors; ++color) {
    file = joined(file, little(color << 16, 4));  // B G R 0
  }
  file[kPaletteColorsAt] = static_cast<std::uint8_t>(colors);
  file[10] = static_cast<std::uint8_t>(54 + 4 * colors);
  return joined(file, rows);
}

TEST(DecodeBmp, RowsFromTheTopOrFromTheBottom) {
  const FileBytes rows = {1, 2, 3, 0, 4, 5, 6, 0};  // B G R and padding
  const FileBytes upward = joined(bmp_header(2, 1, 24), rows);
  EXPECT_EQ(decode_image(upward).pixels, FileBytes({6, 5, 4, 3, 2, 1}));
  const FileBytes downward = joined(bmp_header(-2, 1, 24), rows);
  EXPECT_EQ(decode_image(downward).pixels, FileBytes({3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(decode_image(downward).height, 2);
}

TEST(DecodeBmp, FourthByteIsDropped) {
  const FileBytes file = joined(bmp_header(1, 2, 32), {1, 2, 3, 0, 4, 5, 6, 128});
  EXPECT_EQ(decode_image(file).pixels, FileBytes({3, 2, 1, 6, 5, 4}));
}

TEST(DecodeBmp, PaletteIsLookedUpAndBounded) {
  const DecodedImage image = decode_image(palette_bmp(3, {0, 1, 2, 9, 2, 1, 0, 9}));
  EXPECT_EQ(image.pixels, FileBytes({2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0}));
  expect_error(ExitCode::kData, "damaged BMP: colour 3 of a palette of 3", [] {
    decode_image(palette_bmp(3, {0, 1, 2, 0, 0, 0, 3, 0}));
  });
  FileBytes many = palette_bmp(3, FileBytes(8));
  many[kPaletteColorsAt + 1] = 1;
  expect_error(ExitCode::kData, "damaged BMP: a palette of 259 colours",
               [&] { decode_image(many); });
}

TEST(DecodeBmp, LastRowMayLackItsPadding) {
  FileBytes file = joined(bmp_header(1, 1, 24), {1, 2, 3});
  EXPECT_EQ(decode_image(file).pixels, FileBytes({3, 2, 1}));
  file.pop_back();
  expect_error(ExitCode::kData, "truncated BMP: 56 bytes, of 1 x 1 pixels at least 57",
               [&] { decode_image(file); });
}

TEST(DecodeBmp, OtherKindsAreNamed) {
  const auto complaint = [](const FileBytes& file) {
    return std::string(expect_error(ExitCode::kData, [&] { decode_image(file); }).what());
  };
  const std::string read = "; uncompressed ones of 8, 24 and 32 bits are read";
  EXPECT_EQ(complaint(bmp_header(1, 1, 16)), "a BMP of 16 bits, compression 0" + read);
  EXPECT_EQ(complaint(bmp_header(1, 1, 8, 1)), "a BMP of 8 bits, compression 1" + read);
  FileBytes old = bmp_header(1, 1, 24);
  old[14] = 12;
  EXPECT_EQ(complaint(old), "a BMP with a header of 12 bytes; 40 or more are read");
}

TEST(DecodeBmp, ExtremeSidesAreRefused) {
  const std::int32_t least = std::numeric_limits<std::int32_t>::min();
  for (const auto& [height, width, words] :
       {std::tuple(least, 1, "1 x 2147483648 pixels, more than 65000 a side"),
        std::tuple(1, least, "-2147483648 x 1 pixels"), std::tuple(0, 1, "1 x 0 pixels")}) {
    expect_error(ExitCode::kData, words, [&] { decode_image(bmp_header(height, width, 24)); });
  }
}

}  // namespace
}  // namespace simclr
