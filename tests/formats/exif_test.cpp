#include "simclr/formats/exif.h"

#include <gtest/gtest.h>

#include "tests/formats/make_images.h"

namespace simclr {
namespace {

/// A TIFF block of one entry, in either byte order.
FileBytes tiff(bool little_endian, std::uint32_t tag, std::uint32_t type, std::uint32_t value) {
  const auto number = little_endian ? little : big;
  FileBytes block = bytes_of(little_endian ? "II" : "MM");
  const std::pair<std::uint32_t, int> numbers[] = {{42, 2},   {8, 4}, {1, 2},     {tag, 2},
                                                   {type, 2}, {1, 4}, {value, 2}, {0, 2}};
  for (const auto& [value_of, bytes] : numbers) block = joined(block, number(value_of, bytes));
  return block;
}

TEST(TiffOrientation, IsReadInBothByteOrders) {
  for (const bool little_endian : {true, false}) {
    for (std::uint32_t orientation = 1; orientation <= 8; ++orientation) {
      EXPECT_EQ(tiff_orientation(tiff(little_endian, 0x0112, 3, orientation)),
                static_cast<int>(orientation));
    }
  }
}

TEST(TiffOrientation, WhatIsMalformedIsAsStored) {
  EXPECT_EQ(tiff_orientation({}), 1);
  for (const std::uint32_t value : {0U, 9U, 6U * 256U}) {
    EXPECT_EQ(tiff_orientation(tiff(true, 0x0112, 3, value)), 1);
  }
  EXPECT_EQ(tiff_orientation(tiff(true, 0x0112, 4, 6)), 1);  // of another type
  EXPECT_EQ(tiff_orientation(tiff(true, 0x0113, 3, 6)), 1);  // another tag
  const FileBytes whole = tiff(true, 0x0112, 3, 6);
  for (std::size_t count = 0; count < 20; ++count) {
    EXPECT_EQ(tiff_orientation(first_bytes(whole, count)), 1) << count;
  }
  for (const std::size_t at : {4U, 5U, 7U}) {  // the directory elsewhere, or beyond the end
    FileBytes moved = whole;
    moved[at] = 0xFF;
    EXPECT_EQ(tiff_orientation(moved), 1) << at;
  }
  FileBytes no_tiff = whole;
  no_tiff[2] = 43;
  EXPECT_EQ(tiff_orientation(no_tiff), 1);
}

TEST(ExifOrientation, SegmentsThatLieAreSurvived) {
  const FileBytes block = tiff(false, 0x0112, 3, 6);
  const FileBytes name = bytes_of(std::string("Exif\0\0", 6));
  const auto segment = [&](std::uint32_t size, std::uint8_t marker = 0xE1) {
    const FileBytes start = joined({0xFF, 0xD8, 0xFF, marker}, big(size, 2));
    return joined(joined(start, name), block);
  };
  const auto whole = static_cast<std::uint32_t>(2 + name.size() + block.size());
  EXPECT_EQ(exif_orientation(segment(whole), ImageFormat::kJpeg), 6);
  EXPECT_EQ(exif_orientation(segment(0xFFFF), ImageFormat::kJpeg), 6);  // cut short behind it
  for (const std::uint32_t size : {0U, 1U, 2U, 7U, 8U, 20U}) {
    EXPECT_EQ(exif_orientation(segment(size), ImageFormat::kJpeg), 1) << size;
  }
  EXPECT_EQ(exif_orientation(segment(whole, 0xE2), ImageFormat::kJpeg), 1);
  for (const FileBytes& start : {FileBytes{0xFF, 0xDA, 0, 2}, FileBytes{0x12, 0x34, 0, 2}}) {
    FileBytes file = segment(whole);
    file.insert(file.begin() + 2, start.begin(), start.end());  // the picture's data, or noise
    EXPECT_EQ(exif_orientation(file, ImageFormat::kJpeg), 1);
  }
  EXPECT_EQ(exif_orientation(segment(whole), ImageFormat::kPng), 1);
  EXPECT_EQ(exif_orientation(segment(whole), ImageFormat::kWebp), 1);
}

TEST(Turned, EachOrientationMovesTheCornersWhereItSays) {
  // 1 2 3    what stands first, last in the first row, and last of all, per orientation
  // 4 5 6
  DecodedImage image{{}, 2, 3};
  for (std::uint8_t i = 1; i <= 6; ++i) image.pixels.insert(image.pixels.end(), 3, i);
  const std::vector<FileBytes> expected = {
      {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
      {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const DecodedImage result = turned(image, orientation);
    EXPECT_EQ(result.height, exchanges_sides(orientation) ? 3 : 2);
    EXPECT_EQ(result.width, exchanges_sides(orientation) ? 2 : 3);
    FileBytes reds;
    for (std::size_t i = 0; i < result.pixels.size(); i += 3) reds.push_back(result.pixels[i]);
    EXPECT_EQ(reds, expected[static_cast<std::size_t>(orientation - 1)]) << orientation;
  }
}

}  // namespace
}  // namespace simclr
