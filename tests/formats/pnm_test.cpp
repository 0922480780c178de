#include <gtest/gtest.h>

#include "simclr/formats/image.h"
#include "tests/formats/make_images.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

FileBytes pixels_of(const std::string& file) { return decode_image(bytes_of(file)).pixels; }

void expect_complaint(const std::string& file, const std::string& words) {
  SCOPED_TRACE(file);
  expect_error(ExitCode::kData, words, [&] { decode_image(bytes_of(file)); });
}

TEST(DecodePnm, PlainAndRawGiveTheSamePixels) {
  const FileBytes bits = {0, 0, 0, 255, 255, 255, 0, 0, 0};
  EXPECT_EQ(pixels_of("P1 3 1 1 0 1"), bits);
  EXPECT_EQ(pixels_of("P1\n3 1\n101"), bits);
  EXPECT_EQ(pixels_of("P4 3 1\n\xA0"), bits);
  const FileBytes grey = {0, 0, 0, 7, 7, 7, 255, 255, 255};
  EXPECT_EQ(pixels_of("P2 3 1 255 0 7 255"), grey);
  EXPECT_EQ(pixels_of(std::string("P5 3 1 255\n\0\7\xFF", 14)), grey);
  const FileBytes colors = {9, 32, 65, 255, 0, 1};
  EXPECT_EQ(pixels_of("P3 1 2 255\n9 32 65\n255 0 1\n"), colors);
  EXPECT_EQ(pixels_of(std::string("P6 1 2 255\n\11 A\xFF\0\1", 17)), colors);
}

TEST(DecodePnm, RowsOfBitsEndAtAByte) {
  FileBytes reds;
  const DecodedImage image = decode_image(bytes_of("P4 9 2\n\xFF\x7F\x7F\x80"));
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) reds.push_back(image.pixels[i]);
  EXPECT_EQ(reds, FileBytes({0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(DecodePnm, OtherMaximaAreScaledToTheNearest) {
  EXPECT_EQ(pixels_of("P3 1 1 3 0 1 3"), FileBytes({0, 85, 255}));
  EXPECT_EQ(pixels_of("P3 1 1 100 50 99 1"), FileBytes({128, 252, 3}));
  EXPECT_EQ(pixels_of("P3 1 1 65535 32639 32640 65535"), FileBytes({127, 127, 255}));
  EXPECT_EQ(pixels_of(std::string("P6 1 1 65535\n\x80\x7F\x12\xFF\0\xFF", 19)),
            FileBytes({128, 19, 1}));
  EXPECT_EQ(pixels_of(std::string("P5 1 1 256\n\1\0", 13)), FileBytes({255, 255, 255}));
}

TEST(DecodePnm, CommentsAreSpace) {
  EXPECT_EQ(pixels_of("P2# made by hand\n1 #width\n1\n#depth 7\n255 #\n64"), FileBytes(3, 64));
}

TEST(DecodePnm, DamageIsNamed) {
  expect_complaint("P6 ", "truncated PNM");
  expect_complaint("P6 2 2 255\n12345678901",
                   "truncated PNM: 22 bytes, of 2 x 2 pixels at least 23");
  expect_complaint("P3 1 1 255 1 2 ", "truncated PNM: 15 bytes, of 1 x 1 pixels at least 16");
  expect_complaint("P3 1 1 255 1 2  ", "truncated PNM");
  expect_complaint("P2 1 1 255", "truncated PNM");
  expect_complaint("P2 1 1 255 x", "damaged PNM: not a number");
  expect_complaint("P2 1 -1 255 0", "damaged PNM: not a number");
  expect_complaint("P5 1 1 255x0", "damaged PNM: no space after the header");
  expect_complaint("P2 1 1 255 256", "damaged PNM: a value of 256, more than its maximum 255");
  expect_complaint("P1 1 1 2", "damaged PNM: a value of 2, more than its maximum 1");
  expect_complaint("P5 1 1 0 \1", "damaged PNM: a maximum of 0, not 1 to 65535");
  expect_complaint("P5 1 1 65536 \1\1", "damaged PNM: a maximum of 65536, not 1 to 65535");
  expect_complaint("P5 99999999999999999999 1 255 ", "damaged PNM: a number too large");
  expect_complaint("P5 4294967297 1 255 \1", "damaged PNM: a number too large");
  expect_complaint("P5 0 1 255 ", "0 x 1 pixels");
}

}  // namespace
}  // namespace simclr
