#include "simclr/data/dataset.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace simclr {
namespace {

/// Two images of 1 x 2 pixels.
std::shared_ptr<ImageArray> two_images() {
  return std::make_shared<ImageArray>(
      std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
      std::vector<std::int32_t>{7, -1}, 1, 2);
}

std::vector<std::uint8_t> bytes_of(const Image& image) {
  return {image.pixels.begin(), image.pixels.end()};
}

TEST(ImageArray, GivesPixelsSidesAndLabelByIndex) {
  const auto images = two_images();
  ASSERT_EQ(images->size(), 2U);
  const Image second = images->get(1);
  EXPECT_EQ(bytes_of(second), (std::vector<std::uint8_t>{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(second.height, 1);
  EXPECT_EQ(second.width, 2);
  EXPECT_EQ(second.label, -1);
  EXPECT_EQ(images->get(0).label, 7);
}

TEST(Subset, GivesTheChosenImagesInTheirOrder) {
  const Subset subset(two_images(), {1, 0, 1});
  ASSERT_EQ(subset.size(), 3U);
  EXPECT_EQ(subset.get(0).label, -1);
  EXPECT_EQ(subset.get(1).label, 7);
  EXPECT_EQ(bytes_of(subset.get(2)), bytes_of(subset.get(0)));
  EXPECT_EQ(subset.indices(), (std::vector<std::size_t>{1, 0, 1}));
}

TEST(Subset, KeepsItsWholeAlive) {
  auto whole = two_images();
  const Subset subset(whole, {0});
  whole.reset();
  EXPECT_EQ(subset.get(0).label, 7);
}

TEST(Subset, MayBeEmpty) { EXPECT_EQ(Subset(two_images(), {}).size(), 0U); }

TEST(Concat, GivesOnePartBehindTheOther) {
  const auto pair = two_images();
  const auto none = std::make_shared<Subset>(pair, std::vector<std::size_t>{});
  const auto second = std::make_shared<Subset>(pair, std::vector<std::size_t>{1});
  const Concat all({none, second, none, pair});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(bytes_of(all.get(0)), bytes_of(pair->get(1)));
  EXPECT_EQ(bytes_of(all.get(1)), bytes_of(pair->get(0)));
  EXPECT_EQ(bytes_of(all.get(2)), bytes_of(pair->get(1)));
}

TEST(Concat, OfNothingIsEmpty) { EXPECT_EQ(Concat({}).size(), 0U); }

}  // namespace
}  // namespace simclr
