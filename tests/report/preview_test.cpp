#include "simclr/report/preview.h"

#include <gtest/gtest.h>
#include <spng.h>

#include <array>
#include <cmath>

#include "simclr/augment/apply.h"
#include "simclr/core/files.h"
#include "simclr/core/random.h"
#include "simclr/report/sheet.h"
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

/// Where write_preview puts its tiles.
Sheet layout(const std::vector<std::string>& labels, int views, int scale,
             bool two_pipelines = false) {
  std::vector<std::vector<std::string>> headings{{"original"}};
  for (int view = 1; view <= views; ++view) {
    headings.push_back({"view " + std::to_string(view)});
    if (two_pipelines) headings.back().push_back(view % 2 == 0 ? "pipeline 2" : "pipeline 1");
  }
  return {labels, headings, kSide, scale};
}

std::array<int, 3> pixel(const Picture& picture, const Sheet& sheet, int row, int column) {
  return picture.at(static_cast<std::size_t>(sheet.left_of(column)),
                    static_cast<std::size_t>(sheet.top_of(row)));
}

/// The index of the image in a row, by its colour.
int image_in_row(const Picture& picture, const Sheet& sheet, int row) {
  return pixel(picture, sheet, row, 0)[0] / 10;
}

TEST(Preview, TakesEveryClassInTurn) {
  const TempFolder folder;
  const ImageArray images = colored({1, 1, 0, 2, 0, 1});
  const auto names = write_preview(images, {"a", "b", "c"}, {},
                                   {.images = 5, .views = 0, .scale = 1}, folder / "p.png");
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "a", "b"}));
  const Picture picture = read_png(folder / "p.png");
  const Sheet sheet = layout(names, 0, 1);
  const std::array<int, 5> expected{2, 0, 3, 4, 1};
  for (int row = 0; row < 5; ++row)
    EXPECT_EQ(image_in_row(picture, sheet, row), expected[static_cast<std::size_t>(row)]);
}

TEST(Preview, TakesTheFirstImagesWithoutLabels) {
  const TempFolder folder;
  const ImageArray images = colored({-1, -1, -1});
  const auto names =
      write_preview(images, {}, {}, {.images = 2, .views = 0, .scale = 1}, folder / "p.png");
  EXPECT_EQ(names, (std::vector<std::string>{"", ""}));
  const Picture picture = read_png(folder / "p.png");
  const Sheet sheet = layout({"#0", "#1"}, 0, 1);
  EXPECT_EQ(image_in_row(picture, sheet, 0), 0);
  EXPECT_EQ(image_in_row(picture, sheet, 1), 1);
}

TEST(Preview, HasNoMoreRowsThanImages) {
  const TempFolder folder;
  EXPECT_EQ(write_preview(colored({0, 0}), {"a"}, {}, {.images = 8}, folder / "p.png").size(), 2U);
}

TEST(Preview, ShowsOriginalsExactly) {
  const TempFolder folder;
  std::vector<std::uint8_t> pixels(kSide * kSide * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(5 * i + 3);
  const ImageArray images(pixels, {0}, kSide, kSide);
  write_preview(images, {"a"}, {}, {.images = 1, .views = 0, .scale = 2}, folder / "p.png");
  const Picture picture = read_png(folder / "p.png");
  const Sheet sheet = layout({"a"}, 0, 2);
  const auto left = static_cast<std::size_t>(sheet.left_of(0));
  const auto top = static_cast<std::size_t>(sheet.top_of(0));
  for (std::size_t y = 0; y < 2 * kSide; ++y) {
    for (std::size_t x = 0; x < 2 * kSide; ++x) {
      const std::size_t i = (y / 2 * kSide + x / 2) * 3;
      const std::array<int, 3> expected{pixels[i], pixels[i + 1], pixels[i + 2]};
      EXPECT_EQ(picture.at(x + left, y + top), expected) << x << ", " << y;
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
  const Sheet sheet = layout({"#1", "#0"}, 3, 1);
  for (std::uint32_t row = 0; row < 2; ++row) {
    const std::uint32_t index = 1 - row;  // the image of class 0 comes first
    for (std::uint32_t view = 0; view < 3; ++view) {
      Random random({7, Purpose::kPreview, 0, index, view});
      std::vector<float> tile(kSide * kSide * 3);
      ViewScratch scratch;
      apply_view(images.get(index), draw_view(settings.pipeline, kSide, kSide, kSide, random),
                 Normalization::kNone, kSide, scratch, tile);
      const std::array<int, 3> found =
          pixel(picture, sheet, static_cast<int>(row), static_cast<int>(view) + 1);
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

TEST(Preview, EverySecondViewIsTheSecondPipelines) {
  const TempFolder folder;
  AugmentSettings augment;
  augment.pipeline = parse_pipeline("none");
  augment.second_pipeline = parse_pipeline("[solarize: {p: 1, threshold: 0}]");
  write_preview(colored({0}), {"a"}, augment, {.images = 1, .views = 4, .scale = 1},
                folder / "p.png");
  const Picture picture = read_png(folder / "p.png");
  const Sheet sheet = layout({"a"}, 4, 1, true);
  EXPECT_EQ(picture.width, static_cast<std::size_t>(sheet.width()));
  EXPECT_EQ(picture.height, static_cast<std::size_t>(sheet.height()));
  const std::array<int, 3> plain{0, 0, 200};
  const std::array<int, 3> inverted{255, 255, 55};
  for (int column = 0; column <= 4; ++column)
    EXPECT_EQ(pixel(picture, sheet, 0, column), column > 0 && column % 2 == 0 ? inverted : plain);
}

TEST(Preview, ShowsOriginalsThatAreNotSquareWholeInTheirRatio) {
  const TempFolder folder;
  const ImageArray wide(std::vector<std::uint8_t>(2 * 8 * 3, 100), {0}, 2, 8);
  write_preview(wide, {"a"}, {}, {.images = 1, .views = 0, .side = kSide, .scale = 1},
                folder / "p.png");
  const Picture picture = read_png(folder / "p.png");
  const Sheet sheet = layout({"a"}, 0, 1);
  const auto left = static_cast<std::size_t>(sheet.left_of(0));
  for (int y = 0; y < kSide; ++y) {
    const int expected = y == 1 ? 100 : 248;  // 4 x 1, centred
    const auto row = static_cast<std::size_t>(sheet.top_of(0) + y);
    EXPECT_EQ(picture.at(left, row)[0], expected) << y;
    EXPECT_EQ(picture.at(left + kSide - 1, row)[0], expected) << y;
  }
}

TEST(Preview, OperationsAreOneARowAlone) {
  const TempFolder folder;
  AugmentSettings augment;
  augment.pipeline = parse_pipeline("[solarize: {p: 0, threshold: 0.75}]");
  std::vector<std::uint8_t> pixels;
  for (int p = 0; p < kSide * kSide; ++p) pixels.insert(pixels.end(), {150, 0, 200});
  const ImageArray images(pixels, {0}, kSide, kSide);
  write_operations(images, augment, {.views = 1, .scale = 1}, folder / "p.png");
  const Picture picture = read_png(folder / "p.png");
  std::vector<std::string> labels{"resized_crop", "crop", "flip",     "autoaugment", "jitter",
                                  "greyscale",    "blur", "solarize", "noise"};
  for (const std::string& name : pipeline_names()) labels.push_back(name);
  const Sheet sheet = layout(labels, 1, 1);
  EXPECT_EQ(picture.height, static_cast<std::size_t>(sheet.height()));
  EXPECT_EQ(picture.width, static_cast<std::size_t>(sheet.width()));
  for (std::size_t row = 0; row < labels.size(); ++row)
    EXPECT_EQ(pixel(picture, sheet, static_cast<int>(row), 0), (std::array<int, 3>{150, 0, 200}));
  const auto grey = pixel(picture, sheet, 5, 1);
  EXPECT_EQ(grey[0], grey[2]);
  // With probability 1 and the threshold of the settings: only 200 / 255 is above 0.75.
  EXPECT_EQ(pixel(picture, sheet, 7, 1), (std::array<int, 3>{150, 0, 55}));
  EXPECT_EQ(pixel(picture, sheet, static_cast<int>(labels.size()) - 1, 1),
            (std::array<int, 3>{150, 0, 200}));  // none
}

}  // namespace
}  // namespace simclr
