#include "simclr/data/decode_images.h"

#include <gtest/gtest.h>

#include <new>
#include <span>
#include <sstream>
#include <string>

#include "simclr/data/resize.h"
#include "tests/data/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

const std::string kKey(64, 'a');

ImageFiles in_folder(const TempFolder& folder) {
  NullSink silence;
  return find_in_folder(folder.path(), LabelSource::kAuto, silence);
}

struct Decoded {
  std::string bytes;  ///< of the whole cache
  CacheInfo info;
  KeepingSink sink;
};

void decode(const ImageFiles& images, const DecodeOptions& options, Decoded& result) {
  std::ostringstream out;
  CacheWriter writer(out, kKey);
  decode_images(images, options, result.info, writer, result.sink);
  writer.finish(result.info);
  result.bytes = out.str();
}

constexpr DecodeOptions kOptions{.image = {}, .stored_side = 100};

TEST(DecodeImages, WritesEveryPictureByName) {
  const TempFolder folder;
  for (int i = 0; i < 20; ++i)
    put_file(folder / fmt::format("{}.ppm", i + 10), picture_bytes(i, 3 + i, 5));
  Decoded result;
  decode(in_folder(folder), kOptions, result);
  const ImageCache cache(hold(result.bytes), kKey);
  ASSERT_EQ(cache.size(), 20U);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(pixels_of(cache.get(static_cast<std::size_t>(i))), picture_pixels(i, 3 + i, 5));
    EXPECT_EQ(result.info.names[static_cast<std::size_t>(i)], fmt::format("{}.ppm", i + 10));
  }
  EXPECT_EQ(result.info.files, 20U);
  EXPECT_EQ(result.info.sizes.smallest, Sides(3, 5));
  EXPECT_EQ(result.info.sizes.largest, Sides(22, 5));
  EXPECT_TRUE(result.info.complete);
  EXPECT_EQ(result.sink.tasks.at("reading images"), std::pair(std::int64_t{20}, std::int64_t{20}));
}

TEST(DecodeImages, SameBytesForAnyNumberOfThreads) {
  const TempFolder folder;
  for (int i = 0; i < 60; ++i) {
    put_file(folder / fmt::format("{}.ppm", i), picture_bytes(i, 1 + i * 7 % 50, 1 + i * 11 % 40));
    if (i % 9 == 0) put_file(folder / fmt::format("{}.jpg", i), "no picture");
  }
  DecodeOptions options = kOptions;
  options.stored_side = 16;
  Decoded one;
  decode(in_folder(folder), options, one);
  for (const int threads : {2, 3, 8}) {
    options.threads = threads;
    Decoded many;
    decode(in_folder(folder), options, many);
    EXPECT_TRUE(many.bytes == one.bytes) << threads;
  }
  EXPECT_EQ(ImageCache(hold(one.bytes), kKey).size(), 60U);
}

TEST(DecodeImages, ShrinksWhatIsLongerThanTheStoredSide) {
  const TempFolder folder;
  put_file(folder / "1.ppm", picture_bytes(1, 30, 50));
  put_file(folder / "2.ppm", picture_bytes(2, 15, 50));
  DecodeOptions options = kOptions;
  options.stored_side = 15;
  Decoded result;
  decode(in_folder(folder), options, result);
  const ImageCache cache(hold(result.bytes), kKey);
  EXPECT_EQ(pixels_of(cache.get(0)),
            resize_antialiased(picture_pixels(1, 30, 50), {30, 50}, {15, 25}).pixels);
  EXPECT_EQ(cache.get(0).width, 25);
  EXPECT_EQ(pixels_of(cache.get(1)), picture_pixels(2, 15, 50));
  EXPECT_EQ(result.info.sizes.largest, Sides(30, 50));
}

TEST(DecodeImages, FilesThatFailAreSkippedWithTheirReason) {
  const TempFolder folder;
  put_file(folder / "1.ppm", picture_bytes(1));
  put_file(folder / "2.jpg", "");
  put_file(folder / "3\n.png", "<html></html>");
  put_file(folder / "4.ppm", picture_bytes(4));
  const ImageFiles images = in_folder(folder);
  Decoded result;
  decode(images, kOptions, result);
  EXPECT_EQ(result.info.names, (std::vector<std::string>{"1.ppm", "4.ppm"}));
  ASSERT_EQ(result.info.skipped.size(), 2U);
  EXPECT_EQ(result.info.skipped[0].name, "2.jpg");
  EXPECT_TRUE(contains(result.info.skipped[0].reason, "empty file"));
  EXPECT_EQ(result.info.skipped[1].name, "3\\n.png");
  EXPECT_EQ(result.info.files, 4U);
  EXPECT_TRUE(result.info.complete);
}

TEST(DecodeImages, FileThatWentMakesItIncomplete) {
  const TempFolder folder;
  put_file(folder / "1.ppm", picture_bytes(1));
  put_file(folder / "2.ppm", picture_bytes(2));
  const ImageFiles images = in_folder(folder);
  std::filesystem::remove(folder / "1.ppm");
  Decoded result;
  decode(images, kOptions, result);
  EXPECT_FALSE(result.info.complete);
  EXPECT_EQ(result.info.skipped.front().reason, "No such file or directory");
}

TEST(DecodeImages, LackOfMemoryMakesItIncomplete) {
  const TempFolder folder;
  put_file(folder / "1.ppm", picture_bytes(1));
  put_file(folder / "2.ppm", picture_bytes(2, 50, 50));
  DecodeOptions options = kOptions;
  options.decode = [](std::span<const std::uint8_t> bytes, const ImageOptions& image) {
    if (bytes.size() > 1000) throw std::bad_alloc();
    return decode_image(bytes, image);
  };
  Decoded result;
  decode(in_folder(folder), options, result);
  EXPECT_EQ(result.info.names, std::vector<std::string>{"1.ppm"});
  ASSERT_EQ(result.info.skipped.size(), 1U);
  EXPECT_EQ(result.info.skipped.front().reason, "not enough memory");
  EXPECT_FALSE(result.info.complete);
}

TEST(DecodeImages, StrictStopsAtTheFirstThatFails) {
  const TempFolder folder;
  put_file(folder / "1.ppm", picture_bytes(1));
  for (int i = 2; i < 40; ++i) put_file(folder / fmt::format("{}.ppm", i), "bad");
  DecodeOptions options = kOptions;
  options.strict = true;
  options.threads = 3;
  Decoded result;
  const Error error =
      expect_error(ExitCode::kData, [&] { decode(in_folder(folder), options, result); });
  EXPECT_TRUE(std::string(error.what()).starts_with("10.ppm: ")) << error.what();
  EXPECT_TRUE(contains(error.hint(), "data.strict"));
}

TEST(DecodeImages, NoneThatCanBeReadIsAnError) {
  const TempFolder folder;
  put_file(folder / "1.ppm", "");
  put_file(folder / "2.ppm", "");
  Decoded result;
  expect_error(ExitCode::kData, ": none of its 2 pictures can be read; the first: 1.ppm: ", [&] {
    decode(in_folder(folder), kOptions, result);
  });
}

TEST(NaturalImageSize, IsTheirOwnForSmallEqualSquares) {
  const auto of = [](const std::vector<ImageSize>& sizes) {
    const TempFolder folder;
    put_file(folder / "bad.jpg", "");
    for (std::size_t i = 0; i < sizes.size(); ++i)
      put_file(folder / fmt::format("{:03}.ppm", i),
               picture_bytes(1, sizes[i].height, sizes[i].width));
    return natural_image_size(in_folder(folder), {});
  };
  EXPECT_EQ(of({{28, 28}, {28, 28}}), 28);
  EXPECT_EQ(of({{96, 96}}), 96);
  EXPECT_EQ(of({{97, 97}}), 64);
  EXPECT_EQ(of({{28, 28}, {29, 29}}), 64);
  EXPECT_EQ(of({{28, 30}, {28, 30}}), 64);
  EXPECT_EQ(of({}), 64);
  std::vector<ImageSize> many(64, {8, 8});
  many.push_back({9, 9});  // beyond those that are looked at
  EXPECT_EQ(of(many), 8);
}

}  // namespace
}  // namespace simclr
