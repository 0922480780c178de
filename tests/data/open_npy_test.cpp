#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "simclr/data/open_arrays.h"
#include "tests/data/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using Shape = std::vector<std::size_t>;

std::string npy(const std::string& dtype, const std::string& shape, const std::string& bytes) {
  const std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}\n", dtype, shape);
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() % 256) +
         static_cast<char>(header.size() / 256) + header + bytes;
}

std::string counting(int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i);
  return text;
}

DataSource open_folder(const TempFolder& folder) {
  return open_npy(folder.path(), LabelSource::kAuto);
}

TEST(OpenNpy, ColourImagesComeAsTheyAre) {
  const TempFolder folder;
  put_file(folder / "images.npy", npy("|u1", "2, 2, 3, 3", counting(36)));
  const DataSource source = open_folder(folder);
  ASSERT_EQ(source.train->size(), 2U);
  const Image image = source.train->get(1);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.label, -1);
  EXPECT_EQ(image.pixels[0], 18);
  EXPECT_EQ(source.test->size(), 0U);
  EXPECT_EQ(source.image_size, 64);
  EXPECT_TRUE(source.class_names.empty());
}

TEST(OpenNpy, GreyImagesGetThreeEqualChannels) {
  const TempFolder folder;
  put_file(folder / "some.npy", npy("|u1", "2, 2, 2", counting(8)));
  const DataSource source = open_npy(folder / "some.npy", LabelSource::kAuto);
  EXPECT_EQ(pixels_of(source.train->get(1)),
            (std::vector<std::uint8_t>{4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7}));
  EXPECT_EQ(source.image_size, 2);
}

TEST(OpenNpy, LabelsBesideItAreTheLabels) {
  const TempFolder folder;
  put_file(folder / "images.npy", npy("|u1", "4, 1, 1", counting(4)));
  put_file(folder / "labels.npy", npy("|i1", "4,", std::string("\x02\xff\x00\x01", 4)));
  const DataSource source = open_folder(folder);
  EXPECT_EQ(source.class_names, (std::vector<std::string>{"0", "1", "2"}));
  ASSERT_EQ(source.train->size(), 3U);
  EXPECT_EQ(source.train->get(0).label, 2);
  EXPECT_EQ(source.train->get(1).label, 0);
  ASSERT_EQ(source.unlabelled->size(), 1U);
  EXPECT_EQ(source.unlabelled->get(0).pixels[0], 1);
  const DataSource ignored = open_npy(folder.path(), LabelSource::kNone);
  EXPECT_TRUE(ignored.class_names.empty());
  EXPECT_EQ(ignored.train->size(), 4U);
}

TEST(OpenNpy, ArraysThatAreNoImagesAreRefused) {
  const TempFolder folder;
  for (const auto& [dtype, shape, bytes] :
       std::vector<std::tuple<std::string, std::string, int>>{{"<f4", "1, 2, 2, 3", 48},
                                                              {"|u1", "4, 4", 16},
                                                              {"|u1", "1, 2, 2, 4", 16},
                                                              {"|u1", "0, 2, 2", 0},
                                                              {"|u1", "2, 0, 2", 0},
                                                              {"|u1", "1, 1, 65001", 65001}}) {
    put_file(folder / "images.npy", npy(dtype, shape, std::string(bytes, 'x')));
    const Error error = expect_error(ExitCode::kData, [&] { open_folder(folder); });
    EXPECT_TRUE(contains(error.what(), "images.npy: ")) << shape;
    EXPECT_TRUE(contains(error.hint(), "Wanted: ")) << shape;
  }
}

TEST(OpenNpy, LabelsThatDoNotFitAreRefused) {
  const TempFolder folder;
  put_file(folder / "images.npy", npy("|u1", "2, 1, 1", counting(2)));
  for (const std::string& labels : {npy("|u1", "3,", "123"), npy("<f4", "2,", "12345678"),
                                    npy("|u1", "2, 1", "12"), npy("<u4", "2,", "12345678")}) {
    put_file(folder / "labels.npy", labels);
    expect_error(ExitCode::kData, "labels.npy: ", [&] { open_folder(folder); });
  }
}

}  // namespace
}  // namespace simclr
