#include "simclr/data/image_keys.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <set>

namespace simclr {
namespace {

/// Two images of `height` x `width`, the first's bytes counting up from `start`.
std::shared_ptr<const Dataset> images(std::uint8_t start, int height = 2, int width = 3,
                                      std::int32_t label = 0) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 2 * height * width * 3; ++i)
    pixels.push_back(static_cast<std::uint8_t>(start + i));
  return std::make_shared<ImageArray>(std::move(pixels), std::vector<std::int32_t>{label, 1},
                                      height, width);
}

TEST(ImageKeys, KnowAnImageByItsPixelsAndSides) {
  const auto whole = std::make_shared<ImageArray>(std::vector<std::uint8_t>(5 * 12, 7),
                                                  std::vector<std::int32_t>{0, 1, 2, 3, 4}, 2, 2);
  const std::vector<std::int64_t> equal = image_keys(*whole);
  EXPECT_EQ(std::set<std::int64_t>(equal.begin(), equal.end()).size(), 1U);  // labels do not count
  EXPECT_GE(equal.front(), 0);

  const std::vector<std::int64_t> a = image_keys(*images(0));
  EXPECT_NE(a[0], a[1]);
  EXPECT_EQ(a, image_keys(*images(0)));
  EXPECT_NE(a[0], image_keys(*images(0, 3, 2))[0]);  // the same bytes, lying down
  EXPECT_NE(a[0], image_keys(*images(1))[0]);
}

TEST(ImageKeys, FollowASubsetsOrder) {
  const auto whole = images(0);
  const std::vector<std::int64_t> keys = image_keys(*whole);
  EXPECT_EQ(image_keys(Subset(whole, {1, 0})), (std::vector<std::int64_t>{keys[1], keys[0]}));
}

TEST(ImagesSha256, CountsPixelsLabelsAndOrder) {
  const auto whole = images(0);
  const std::string sha256 = images_sha256(*whole);
  EXPECT_EQ(sha256.size(), 64U);
  EXPECT_EQ(images_sha256(*images(0)), sha256);
  EXPECT_NE(images_sha256(*images(1)), sha256);
  EXPECT_NE(images_sha256(*images(0, 2, 3, 5)), sha256);
  EXPECT_NE(images_sha256(Subset(whole, {1, 0})), sha256);
  EXPECT_NE(images_sha256(Subset(whole, {})), sha256);
}

}  // namespace
}  // namespace simclr
