#include "simclr/formats/image.h"

#include <gtest/gtest.h>

#include "tests/formats/make_images.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

std::string complaint(const FileBytes& bytes, const ImageOptions& options = {}) {
  const Error error = expect_error(ExitCode::kData, [&] { decode_image(bytes, options); });
  EXPECT_FALSE(error.hint().empty());
  return error.what();
}

TEST(DecodeImage, LosslessFormatsGiveBackEveryPixel) {
  for (const auto& [height, width] : {std::pair(1, 1), std::pair(5, 3), std::pair(24, 31)}) {
    const DecodedImage image = slope(height, width);
    for (const FileBytes& file :
         {encode_png(image), encode_webp(image), encode_bmp(image), encode_ppm(image)}) {
      const DecodedImage decoded = decode_image(file);
      EXPECT_EQ(decoded.height, height);
      EXPECT_EQ(decoded.width, width);
      EXPECT_EQ(decoded.pixels, image.pixels);
    }
  }
}

TEST(ImageFormat, IsToldByTheFirstBytes) {
  const std::vector<ImageFormat> formats = {ImageFormat::kJpeg, ImageFormat::kPng,
                                            ImageFormat::kWebp, ImageFormat::kBmp,
                                            ImageFormat::kPnm};
  const auto files = one_of_each();
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(image_format(files[i].second), formats[i]) << files[i].first;
    for (std::size_t count = 0; count < 2; ++count) {
      EXPECT_EQ(image_format(first_bytes(files[i].second, count)), std::nullopt);
    }
  }
  EXPECT_EQ(image_format(bytes_of("P7\n1 1")), std::nullopt);
  EXPECT_EQ(image_format(bytes_of("P60 people")), std::nullopt);
}

TEST(HasImageSuffix, AnyCaseAndNothingElse) {
  for (const char* name : {"a.jpg", "a.JPEG", "a.b.Png", "x/y.webp", "a.bmp", "a.ppm", "a.pgm",
                           "a.pbm", "a.PNM", "with\nnewline.jpg", "\xFF\xFE.jpg"}) {
    EXPECT_TRUE(has_image_suffix(name)) << name;
  }
  for (const char* name : {"a", "jpg", "a.jpg.txt", "a.gif", ".jpg", "a.", "a.jpgs", ""}) {
    EXPECT_FALSE(has_image_suffix(name)) << name;
  }
}

TEST(DecodeImage, WhatIsNoPictureIsNamed) {
  EXPECT_EQ(complaint({}), "empty file");
  EXPECT_EQ(complaint(bytes_of("\n <!DOCTYPE html><html>")), "an HTML page, not an image");
  EXPECT_EQ(complaint(bytes_of("\xEF\xBB\xBF<HTML lang=en>")), "an HTML page, not an image");
  EXPECT_EQ(complaint(bytes_of("version https://git-lfs.github.com/spec/v1\n")),
            "a Git LFS pointer, not the image itself");
  const std::string others = "not an image this program reads (JPEG, PNG, WebP, BMP, PNM)";
  EXPECT_EQ(complaint(bytes_of("hello")), others);
  EXPECT_EQ(complaint(bytes_of(std::string(3, '\0'))), others);
  EXPECT_EQ(complaint(bytes_of("GIF89a")), "GIF: " + others);
  EXPECT_EQ(complaint(bytes_of(std::string("MM\0*", 4))), "TIFF: " + others);
  EXPECT_EQ(complaint(bytes_of(std::string("\0\0\0\x1C", 4) + "ftypheic")),
            "HEIC, AVIF or video: " + others);
}

TEST(DecodeImage, LimitsHoldForEveryFormatAndForTheSizeAlone) {
  ImageOptions few_pixels;
  few_pixels.max_pixels = 24 * 31 - 1;
  ImageOptions short_sides;
  short_sides.max_side = 30;
  ImageOptions just_enough;
  just_enough.max_pixels = 24 * 31;
  just_enough.max_side = 31;
  for (const auto& [name, file] : one_of_each()) {
    SCOPED_TRACE(name);
    EXPECT_EQ(complaint(file, few_pixels), "31 x 24 pixels, more than 743");
    EXPECT_EQ(complaint(file, short_sides), "31 x 24 pixels, more than 30 a side");
    expect_error(ExitCode::kData, "more than 743", [&] { image_size(file, few_pixels); });
    EXPECT_EQ(decode_image(file, just_enough).width, 31);
  }
}

}  // namespace
}  // namespace simclr
