#include "simclr/report/preview.h"

#include <gtest/gtest.h>
#include <spng.h>

#include <array>
#include <cmath>

#include "simclr/augment/apply.h"
#include "simclr/core/files.h"
#include "simclr/core/random.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

constexpr int kSide = 4;

struct Picture {
  std::size_t width = 0;
  std::size_t height = 0;
  std::string pixels;  ///< u8 [height, width, 3]

  std::array<int, 3> at(std::size_t x, std::size_t y) const {
    const std::size_t i = (y * width + x) * 3;
    const auto byte = [&](std::size_t c) { return static_cast<unsigned char>(pixels[i + c]); };
    return {byte(0), byte(1), byte(2)};
  }
};

Picture read_png(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  spng_ctx* context = spng_ctx_new(0);
  spng_set_png_buffer(context, bytes.data(), bytes.size());
  spng_ihdr header{};
  EXPECT_EQ(spng_get_ihdr(context, &header), 0);
  Picture picture{header.width, header.height, std::string(3U * header.width * header.height, 0)};
  EXPECT_EQ(
      spng_decode_image(context, picture.pixels.data(), picture.pixels.size(), SPNG_FMT_RGB8, 0),
      0);
  spng_ctx_free(context);
  return picture;
}

/// Images of one colour each, (10 i, 0, 200), with the labels given.
ImageArray colored(const std::vector<std::int32_t>& labels) {
  std::vector<std::uint8_t> pixels;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (int p = 0; p < kSide * kSide; ++p)
      pixels.insert(pixels.end(), {static_cast<std::uint8_t>(10 * i), 0, 200});
  }
  return ImageArray(pixels, labels, kSide, kSide);
}

/// The index of the image in a row of a picture at scale 1, by its colour.
int image_in_row(const Picture& picture, std::size_t row) {
  return picture.at(2, 2 + row * (kSide + 2))[0] / 10;
}

TEST(Preview, TakesEveryClassInTurn) {
  const TempFolder folder;
  const ImageArray images = colored({1, 1, 0, 2, 0, 1});
  const auto names = write_preview(images, {"a", "b", "c"}, {},
                                   {.images = 5, .views = 0, .scale = 1}, folder / "p.png");
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "a", "b"}));
  const Picture picture = read_png(folder / "p.png");
  const std::array<int, 5> expected{2, 0, 3, 4, 1};
  for (std::size_t row = 0; row < 5; ++row) EXPECT_EQ(image_in_row(picture, row), expected[row]);
}

TEST(Preview, TakesTheFirstImagesWithoutLabels) {
  const TempFolder folder;
  const ImageArray images = colored({-1, -1, -1});
  const auto names =
      write_preview(images, {}, {}, {.images = 2, .views = 0, .scale = 1}, folder / "p.png");
  EXPECT_EQ(names, (std::vector<std::string>{"", ""}));
  const Picture picture = read_png(folder / "p.png");
  EXPECT_EQ(image_in_row(picture, 0), 0);
  EXPECT_EQ(image_in_row(picture, 1), 1);
}

TEST(Preview, HasNoMoreRowsThanImages) {
  const TempFolder folder;
  EXPECT_EQ(write_preview(colored({0, 0}), {"a"}, {}, {.images = 8}, folder / "p.png").size(), 2U);
}

TEST(Preview, SetsTheOriginalApartOnALightSheet) {
  const TempFolder folder;
  AugmentSettings plain;
  plain.pipeline = parse_pipeline("crop-flip");
  write_preview(colored({0}), {"a"}, plain, {.images = 1, .views = 2, .scale = 3},
                folder / "p.png");
  const Picture picture = read_png(folder / "p.png");
  // Margins 2, gap to the views 6, gap between views 2, all in image pixels.
  EXPECT_EQ(picture.width, static_cast<std::size_t>(3 * (2 + 4 + 6 + 4 + 2 + 4 + 2)));
  EXPECT_EQ(picture.height, static_cast<std::size_t>(3 * (2 + 4 + 2)));
  const std::array<int, 3> sheet{245, 245, 245};
  const std::array<int, 3> image{0, 0, 200};
  const std::array<bool, 24> inside{false, false, true,  true,  true, true, false, false,
                                    false, false, false, false, true, true, true,  true,
                                    false, false, true,  true,  true, true, false, false};
  for (std::size_t x = 0; x < picture.width; ++x) {
    EXPECT_EQ(picture.at(x, 3 * 4), inside[x / 3] ? image : sheet) << x;
    EXPECT_EQ(picture.at(x, 5), sheet) << x;
    EXPECT_EQ(picture.at(x, 6), inside[x / 3] ? image : sheet) << x;
  }
}

TEST(Preview, ShowsOriginalsExactly) {
  const TempFolder folder;
  std::vector<std::uint8_t> pixels(kSide * kSide * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(5 * i + 3);
  const ImageArray images(pixels, {0}, kSide, kSide);
  write_preview(images, {"a"}, {}, {.images = 1, .views = 0, .scale = 2}, folder / "p.png");
  const Picture picture = read_png(folder / "p.png");
  for (std::size_t y = 0; y < 2 * kSide; ++y) {
    for (std::size_t x = 0; x < 2 * kSide; ++x) {
      const std::size_t i = (y / 2 * kSide + x / 2) * 3;
      const std::array<int, 3> expected{pixels[i], pixels[i + 1], pixels[i + 2]};
      EXPECT_EQ(picture.at(x + 4, y + 4), expected) << x << ", " << y;
    }
  }
}

TEST(Preview, KeysEachViewByImageAndView) {
  const TempFolder folder;
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 2 * kSide * kSide * 3; ++i)
    pixels.push_back(static_cast<std::uint8_t>(2 * i));
  const ImageArray images(pixels, {1, 0}, kSide, kSide);
  const AugmentSettings settings;
  write_preview(images, {}, settings, {.images = 2, .views = 3, .seed = 7, .scale = 1},
                folder / "p.png");
  const Picture picture = read_png(folder / "p.png");
  for (std::uint32_t row = 0; row < 2; ++row) {
    const std::uint32_t index = 1 - row;  // the image of class 0 comes first
    for (std::uint32_t view = 0; view < 3; ++view) {
      Random random({7, Purpose::kPreview, 0, index, view});
      std::vector<float> tile(kSide * kSide * 3);
      ViewScratch scratch;
      apply_view(images.get(index), draw_view(settings.pipeline, kSide, kSide, kSide, random),
                 Normalization::kNone, kSide, scratch, tile);
      const std::array<int, 3> found = picture.at(12 + view * 6, 2 + row * 6);
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_EQ(found[c], std::lround(255.0F * tile[c])) << row << ", " << view;
    }
  }
}

TEST(Preview, ShowsViewsWithoutNormalization) {
  const TempFolder folder;
  AugmentSettings settings;
  write_preview(colored({0, 1, 2}), {}, settings, {}, folder / "none.png");
  settings.normalization = Normalization::kCifar10;
  write_preview(colored({0, 1, 2}), {}, settings, {}, folder / "cifar10.png");
  EXPECT_EQ(read_file(folder / "none.png"), read_file(folder / "cifar10.png"));
}

TEST(Preview, DependsOnTheSeedAlone) {
  const TempFolder folder;
  const auto bytes = [&](std::uint64_t seed) {
    write_preview(colored({0, 1, 2}), {}, {}, {.seed = seed}, folder / "p.png");
    return read_file(folder / "p.png");
  };
  const std::string first = bytes(0);
  EXPECT_NE(bytes(1), first);
  EXPECT_EQ(bytes(0), first);
}

}  // namespace
}  // namespace simclr
