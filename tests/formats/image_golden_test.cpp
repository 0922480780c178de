#include <gtest/gtest.h>

#include "simclr/core/sha256.h"
#include "simclr/formats/image.h"
#include "tests/formats/golden_images.h"

namespace simclr {
namespace {

std::string digest(const DecodedImage& image) {
  Sha256 sha256;
  sha256.update(image.pixels.data(), image.pixels.size());
  return sha256.hex_digest();
}

void expect_size(const ImageSize& size, const ImageSize& expected) {
  EXPECT_EQ(size.height, expected.height);
  EXPECT_EQ(size.width, expected.width);
}

TEST(DecodeImage, SameBitsAsPil) {
  const auto images = golden_images();
  ASSERT_GE(images.size(), 50U);
  for (const GoldenImage& golden : images) {
    SCOPED_TRACE(golden.name);
    const DecodedImage image = decode_image(golden.file);
    expect_size({image.height, image.width}, golden.size);
    EXPECT_EQ(digest(image), golden.sha256);
  }
}

TEST(DecodeImage, TurnsAsPilsExifTranspose) {
  ImageOptions options;
  options.exif_orientation = true;
  int turned = 0;
  for (const GoldenImage& golden : golden_images()) {
    SCOPED_TRACE(golden.name);
    const DecodedImage image = decode_image(golden.file, options);
    expect_size({image.height, image.width}, golden.turned_size);
    EXPECT_EQ(digest(image), golden.turned_sha256);
    turned += golden.turned_sha256 == golden.sha256 ? 0 : 1;
  }
  EXPECT_EQ(turned, 9);  // JPEG's 2 to 8, a PNG and a WebP
}

TEST(ImageSize, EqualsTheDecodedPictures) {
  for (const bool exif : {false, true}) {
    ImageOptions options;
    options.exif_orientation = exif;
    for (const GoldenImage& golden : golden_images()) {
      SCOPED_TRACE(golden.name);
      expect_size(image_size(golden.file, options), exif ? golden.turned_size : golden.size);
    }
  }
}

}  // namespace
}  // namespace simclr
