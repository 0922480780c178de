#include "simclr/data/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/data/pictures.h"

namespace simclr {
namespace {

TEST(Measure, CountsClassesAndTakesMeanAndDeviationPerChannel) {
  KeepingSink sink;
  const ImageArray images({0, 51, 255, 255, 51, 255}, {1, -1}, 1, 1);
  const DataStatistics statistics = measure(images, 2, sink);
  EXPECT_EQ(statistics.images_per_class, (std::vector<std::int64_t>{0, 1}));
  EXPECT_DOUBLE_EQ(statistics.mean[0], 0.5);
  EXPECT_DOUBLE_EQ(statistics.mean[1], 0.2);
  EXPECT_DOUBLE_EQ(statistics.deviation[0], 0.5);
  EXPECT_DOUBLE_EQ(statistics.deviation[2], 0.0);
  EXPECT_TRUE(sink.tasks.contains("measuring images"));
}

TEST(Measure, NothingIsAllZero) {
  NullSink silence;
  const DataStatistics statistics = measure(Concat({}), 1, silence);
  EXPECT_EQ(statistics.mean[0], 0.0);
  EXPECT_EQ(statistics.images_per_class, std::vector<std::int64_t>{0});
}

TEST(SizeCounter, GivesSmallestLargestAndMostCommon) {
  SizeCounter counter;
  counter.add(10, 20);
  counter.add(3, 5);
  counter.add(5, 6);
  counter.add(4, 100);
  counter.add(5, 6);
  const SizeSummary sizes = counter.summary();
  EXPECT_EQ(sizes.smallest, Sides(3, 5));
  EXPECT_EQ(sizes.largest, Sides(4, 100));
  EXPECT_EQ(sizes.most_common, Sides(5, 6));
  EXPECT_EQ(sizes.most_common_count, 2U);
  EXPECT_EQ(sizes.distinct, 4U);
  EXPECT_EQ(SizeCounter().summary().distinct, 0U);
}

TEST(FindDuplicates, CountsLaterTwinsBehindTheirFirst) {
  // Four images of 1 x 2 pixels: 0 = 2 = 3.
  std::vector<std::uint8_t> pixels;
  for (const int seed : {1, 2, 1, 1}) {
    const auto one = picture_pixels(seed, 1, 2);
    pixels.insert(pixels.end(), one.begin(), one.end());
  }
  const ImageArray images(pixels, {0, 0, 1, 0}, 1, 2);
  KeepingSink sink;
  const Duplicates all = find_duplicates(images, 10, sink);
  EXPECT_EQ(all.images, 2U);
  EXPECT_EQ(all.first_pairs, (std::vector<std::pair<std::size_t, std::size_t>>{{0, 2}, {0, 3}}));
  EXPECT_EQ(find_duplicates(images, 1, sink).first_pairs.size(), 1U);
  EXPECT_EQ(find_duplicates(images, 1, sink).images, 2U);
  EXPECT_TRUE(sink.tasks.contains("looking for duplicates"));
}

TEST(FindDuplicates, SamePixelsInAnotherShapeAreAnotherImage) {
  const auto wide =
      std::make_shared<ImageArray>(picture_pixels(1, 1, 2), std::vector<std::int32_t>{0}, 1, 2);
  const auto tall =
      std::make_shared<ImageArray>(picture_pixels(1, 2, 1), std::vector<std::int32_t>{0}, 2, 1);
  NullSink silence;
  EXPECT_EQ(find_duplicates(Concat({wide, tall}), 1, silence).images, 0U);
}

}  // namespace
}  // namespace simclr
