#include "simclr/report/sheet.h"

#include <gtest/gtest.h>

#include "simclr/core/files.h"
#include "simclr/formats/image.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

DecodedImage written(const Sheet& sheet) {
  const TempFolder folder;
  sheet.write(folder / "sheet.png");
  const std::string file = read_file(folder / "sheet.png");
  return decode_image({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
}

int level(const DecodedImage& picture, int y, int x) {
  return picture.pixels[static_cast<std::size_t>((y * picture.width + x) * 3)];
}

std::vector<std::vector<std::string>> columns(int count) {
  return std::vector<std::vector<std::string>>(static_cast<std::size_t>(count), {"view"});
}

/// Pixels darker than the sheet in a box.
int ink(const DecodedImage& picture, int top, int left, int bottom, int right) {
  int count = 0;
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) count += level(picture, y, x) < 100 ? 1 : 0;
  return count;
}

TEST(Sheet, TilesAreApartAndTheFirstColumnFarther) {
  const Sheet sheet({"a", "b"}, columns(3), 32, 2);
  EXPECT_EQ(sheet.tile(), 64);
  EXPECT_EQ(sheet.top_of(1) - sheet.top_of(0), 64 + 4);
  EXPECT_EQ(sheet.left_of(2) - sheet.left_of(1), 64 + 4);
  EXPECT_EQ(sheet.left_of(1) - sheet.left_of(0), 64 + 4 + 8);
  EXPECT_EQ(sheet.height(), sheet.top_of(1) + 64 + 8);
  EXPECT_EQ(sheet.width(), sheet.left_of(2) + 64 + 8);
}

TEST(Sheet, LabelsStandLeftOfRowsAndHeadingsAboveColumns) {
  const Sheet sheet({"row", ""}, {{""}, {"heading", "second line"}}, 32, 2);
  const DecodedImage picture = written(sheet);
  EXPECT_GT(ink(picture, sheet.top_of(0), 0, sheet.top_of(0) + 64, sheet.left_of(0)), 0);
  EXPECT_EQ(ink(picture, sheet.top_of(1), 0, sheet.height(), sheet.width()), 0);
  EXPECT_EQ(ink(picture, 0, 0, sheet.top_of(0), sheet.left_of(1)), 0);
  EXPECT_GT(ink(picture, 0, sheet.left_of(1), 8 + 14, sheet.width()), 0);
  EXPECT_GT(ink(picture, 8 + 22, sheet.left_of(1), sheet.top_of(0), sheet.width()), 0);
  EXPECT_GE(sheet.width() - sheet.left_of(1), text_width("second line", 2));
}

TEST(Sheet, LongLabelsAreCut) {
  const std::string twenty(20, 'x');
  EXPECT_EQ(Sheet({twenty + "y"}, columns(1), 32, 1).width(),
            Sheet({twenty}, columns(1), 32, 1).width());
  EXPECT_LT(Sheet({twenty.substr(1)}, columns(1), 32, 1).width(),
            Sheet({twenty}, columns(1), 32, 1).width());
}

TEST(Sheet, StaysBelow1600PixelsByItself) {
  for (const int side : {4, 32, 96, 224, 500}) {
    for (const int count : {1, 9, 40}) {
      const std::vector<std::string> labels(static_cast<std::size_t>(count), "label");
      const Sheet sheet(labels, columns(count), side, 0);
      EXPECT_LE(std::max(sheet.height(), sheet.width()), 1600) << side << ", " << count;
      EXPECT_LE(sheet.tile(), 3 * side);
      EXPECT_GE(sheet.tile(), 4);
    }
  }
  EXPECT_EQ(Sheet({"a"}, columns(2), 32, 0).tile(), 96);
}

TEST(Sheet, ValuesBecomeSquaresOfTheirLevel) {
  Sheet sheet({"a"}, columns(1), 2, 3);
  const std::vector<float> tile{0.0F, 0.0F, 0.0F, 0.2F, 0.2F, 0.2F,  //
                                0.6F, 0.6F, 0.6F, 2.0F, 2.0F, 2.0F};
  sheet.put(0, 0, tile, 2, 2);
  const DecodedImage picture = written(sheet);
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 6; ++x)
      EXPECT_EQ(level(picture, sheet.top_of(0) + y, sheet.left_of(0) + x),
                y < 3 ? (x < 3 ? 0 : 51) : (x < 3 ? 153 : 255));
}

TEST(Sheet, LargeTilesAreAveraged) {
  const std::vector<std::string> labels(3, "a");
  Sheet sheet(labels, columns(1), 1000, 0);
  ASSERT_EQ(sheet.tile(), 500);
  std::vector<float> tile(1000 * 1000 * 3);
  for (std::size_t i = 0; i < tile.size(); ++i) tile[i] = i / 3 % 2 == 0 ? 0.2F : 0.6F;
  sheet.put(0, 0, tile, 1000, 1000);
  const DecodedImage picture = written(sheet);
  EXPECT_EQ(level(picture, sheet.top_of(0), sheet.left_of(0)), 102);
  EXPECT_EQ(level(picture, sheet.top_of(0) + 499, sheet.left_of(0) + 499), 102);
}

TEST(Sheet, SmallerPicturesAreCentred) {
  Sheet sheet({"a"}, columns(1), 4, 1);
  sheet.put(0, 0, std::vector<float>(2 * 4 * 3, 0.0F), 2, 4);
  const DecodedImage picture = written(sheet);
  EXPECT_EQ(ink(picture, sheet.top_of(0), sheet.left_of(0), sheet.top_of(0) + 1, sheet.width()), 0);
  EXPECT_EQ(ink(picture, sheet.top_of(0) + 1, sheet.left_of(0), sheet.height(), sheet.width()), 8);
}

}  // namespace
}  // namespace simclr
