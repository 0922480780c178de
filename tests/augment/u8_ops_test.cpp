#include "simclr/augment/u8_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "simclr/core/random.h"
#include "simclr/core/sha256.h"
#include "tests/augment/golden.h"

namespace simclr {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kOps = 14;
constexpr std::array<const char*, kOps> kNames{
    "ShearX",   "ShearY",    "TranslateX", "TranslateY", "Rotate",       "Brightness", "Color",
    "Contrast", "Sharpness", "Posterize",  "Solarize",   "AutoContrast", "Equalize",   "Invert"};

Bytes random_image(int height, int width, std::uint32_t sample = 0) {
  Random random(RandomKey{.seed = 12, .sample = sample});
  Bytes rgb(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
  for (std::uint8_t& value : rgb) value = static_cast<std::uint8_t>(random.below(256));
  return rgb;
}

Bytes flat_image(int height, int width, std::array<std::uint8_t, 3> color) {
  Bytes rgb(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = color[i % 3];
  return rgb;
}

Bytes changed(Bytes rgb, int height, int width, U8Op op, float magnitude = 0.0F) {
  U8Scratch scratch;
  apply_u8_step(rgb, height, width, {op, magnitude}, scratch);
  return rgb;
}

/// Pixels in reverse order.
Bytes half_turned(const Bytes& rgb) {
  Bytes turned;
  for (std::size_t i = rgb.size(); i >= 3; i -= 3)
    turned.insert(turned.end(), rgb.begin() + static_cast<std::ptrdiff_t>(i) - 3,
                  rgb.begin() + static_cast<std::ptrdiff_t>(i));
  return turned;
}

/// Output pixel (y, x) is input pixel (y - down, x - right); black where there is none.
Bytes moved(const Bytes& rgb, int height, int width, int down, int right) {
  Bytes out(rgb.size());
  for (int y = std::max(0, down); y < std::min(height, height + down); ++y)
    for (int x = std::max(0, right); x < std::min(width, width + right); ++x)
      for (int c = 0; c < 3; ++c)
        out[static_cast<std::size_t>((y * width + x) * 3 + c)] =
            rgb[static_cast<std::size_t>(((y - down) * width + x - right) * 3 + c)];
  return out;
}

std::string hex(const std::uint8_t* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned>(bytes[i]));
    text += digits.data();
  }
  return text;
}

std::string sha256_of(const Bytes& bytes) {
  Sha256 sha;
  sha.update(bytes.data(), bytes.size());
  return sha.hex_digest();
}

class U8OpsGolden : public testing::TestWithParam<std::string> {};

TEST_P(U8OpsGolden, EveryMagnitudeGivesTorchvisionsBytes) {
  const std::string& name = GetParam();
  const AugmentGolden golden("autoaugment.safetensors");
  const auto image = golden.values<std::uint8_t>("images/" + name);
  const auto height = static_cast<int>(golden.size("images/" + name, 0));
  const auto width = static_cast<int>(golden.size("images/" + name, 1));
  const auto ops = golden.values<std::uint8_t>("steps/" + name + "/ops");
  const auto magnitudes = golden.values<float>("steps/" + name + "/magnitudes");
  const auto digests = golden.values<std::uint8_t>("steps/" + name + "/sha256");
  ASSERT_GE(ops.size(), 200U);
  ASSERT_EQ(digests.size(), ops.size() * 32);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const auto result = changed(image, height, width, static_cast<U8Op>(ops[i]), magnitudes[i]);
    EXPECT_EQ(sha256_of(result), hex(&digests[32 * i], 32))
        << kNames.at(ops[i]) << " by " << magnitudes[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Images, U8OpsGolden,
                         testing::Values("noise", "smooth", "dim", "few_levels", "odd", "large",
                                         "1x1", "1x7", "5x1", "2x9", "3x3", "8x8", "9x8"),
                         [](const auto& test) { return "of_" + test.param; });

TEST(U8Ops, NoMovementAndFactorOneChangeNothing) {
  const Bytes image = random_image(9, 14);
  for (int op = 0; op <= static_cast<int>(U8Op::kSharpness); ++op)
    EXPECT_EQ(changed(image, 9, 14, static_cast<U8Op>(op), 0.0F), image) << kNames.at(op);
}

TEST(U8Ops, TranslationMovesWholePixels) {
  const Bytes image = random_image(6, 9);
  for (int pixels = -10; pixels <= 10; ++pixels) {
    const auto magnitude = static_cast<float>(pixels);
    EXPECT_EQ(changed(image, 6, 9, U8Op::kTranslateX, magnitude), moved(image, 6, 9, 0, pixels));
    EXPECT_EQ(changed(image, 6, 9, U8Op::kTranslateY, magnitude), moved(image, 6, 9, pixels, 0));
  }
  EXPECT_EQ(changed(image, 6, 9, U8Op::kTranslateX, -2.9F), moved(image, 6, 9, 0, -2));
}

TEST(U8Ops, AShearOfOneMovesEachRowByOneMorePixel) {
  const int side = 7;
  Bytes image = flat_image(side, side, {10, 20, 30});
  const Bytes sheared = changed(image, side, side, U8Op::kShearX, -1.0F);
  // Row y reads from x - (-1) * (y + 1/2): ties, which go to even columns.
  for (int y = 0; y < side; ++y) {
    int black = 0;
    for (int x = 0; x < side; ++x)
      black += sheared[static_cast<std::size_t>((y * side + x) * 3)] == 0 ? 1 : 0;
    EXPECT_NEAR(black, y + 0.5, 0.51) << "row " << y;
  }
}

TEST(U8Ops, HalfATurnReversesThePixels) {
  for (const auto& [height, width] : {std::pair{8, 8}, {5, 9}, {6, 3}, {1, 4}}) {
    const Bytes image = random_image(height, width);
    EXPECT_EQ(changed(image, height, width, U8Op::kRotate, 180.0F), half_turned(image));
  }
}

TEST(U8Ops, AQuarterTurnPutsTheRightEdgeOnTop) {
  const int side = 8;
  const Bytes image = random_image(side, side);
  const Bytes turned = changed(image, side, side, U8Op::kRotate, 90.0F);
  for (int i = 0; i < side; ++i) {
    const auto top = turned.begin() + std::ptrdiff_t{3} * i;
    const auto right = image.begin() + std::ptrdiff_t{3} * (i * side + side - 1);
    EXPECT_TRUE(std::equal(top, top + 3, right)) << "pixel " << i;
  }
}

TEST(U8Ops, FactorZeroLeavesWhatIsBlendedWith) {
  const Bytes image{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
  EXPECT_EQ(changed(image, 2, 2, U8Op::kBrightness, -1.0F), Bytes(12, 0));
  const Bytes grey{76, 76, 76, 149, 149, 149, 29, 29, 29, 254, 254, 254};
  EXPECT_EQ(changed(image, 2, 2, U8Op::kColor, -1.0F), grey);
  EXPECT_EQ(changed(image, 2, 2, U8Op::kContrast, -1.0F), Bytes(12, (76 + 149 + 29 + 254) / 4));
}

TEST(U8Ops, TheBlurOfADotIsAFiveAmongOnes) {
  Bytes image(5 * 5 * 3, 0);
  std::fill_n(image.begin() + 12 * 3, 3, std::uint8_t{255});
  const Bytes blurred = changed(image, 5, 5, U8Op::kSharpness, -1.0F);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 5; ++x) {
      const bool is_dot = y == 2 && x == 2;
      const bool is_near = y >= 1 && y <= 3 && x >= 1 && x <= 3;
      EXPECT_EQ(blurred[static_cast<std::size_t>((y * 5 + x) * 3)],
                is_dot    ? 98  // 255 * 5 / 13
                : is_near ? 20  // 255 / 13
                          : 0)
          << y << ", " << x;
    }
}

TEST(U8Ops, SharpnessNeedsThreeRowsAndColumns) {
  for (const auto& [height, width] : {std::pair{2, 40}, {40, 2}, {1, 1}}) {
    const Bytes image = random_image(height, width);
    EXPECT_EQ(changed(image, height, width, U8Op::kSharpness, 0.9F), image);
  }
}

TEST(U8Ops, PosterizeKeepsTheHighestBits) {
  const Bytes image = random_image(8, 8);
  EXPECT_EQ(changed(image, 8, 8, U8Op::kPosterize, 8.0F), image);
  EXPECT_EQ(changed(image, 8, 8, U8Op::kPosterize, 0.0F), Bytes(image.size(), 0));
  EXPECT_EQ(changed({7, 200, 255}, 1, 1, U8Op::kPosterize, 3.0F), (Bytes{0, 192, 224}));
}

TEST(U8Ops, SolarizeInvertsFromTheThresholdOn) {
  EXPECT_EQ(changed({99, 100, 101}, 1, 1, U8Op::kSolarize, 100.0F), (Bytes{99, 155, 154}));
  EXPECT_EQ(changed({99, 100, 101}, 1, 1, U8Op::kSolarize, 100.25F), (Bytes{99, 100, 154}));
  const Bytes image = random_image(8, 8);
  EXPECT_EQ(changed(image, 8, 8, U8Op::kSolarize, 0.0F), changed(image, 8, 8, U8Op::kInvert));
  EXPECT_EQ(changed(image, 8, 8, U8Op::kSolarize, 255.5F), image);
}

TEST(U8Ops, InvertTwiceIsTheImage) {
  const Bytes image = random_image(8, 8);
  const Bytes inverted = changed(image, 8, 8, U8Op::kInvert);
  EXPECT_NE(inverted, image);
  EXPECT_EQ(changed(inverted, 8, 8, U8Op::kInvert), image);
}

TEST(U8Ops, AutoContrastStretchesEachChannelByItself) {
  // Red over half the range, green over all of it already, blue has a single value.
  for (const std::size_t place : {0U, 1U, 15U, 16U, 49U}) {
    Bytes image = flat_image(5, 10, {20, 0, 9});
    image[3 * place] = 148;
    image[3 * place + 1] = 255;
    Bytes expected = flat_image(5, 10, {0, 0, 9});
    expected[3 * place] = expected[3 * place + 1] = 255;
    EXPECT_EQ(changed(image, 5, 10, U8Op::kAutoContrast), expected) << "pixel " << place;
  }
}

TEST(U8Ops, EqualizeLeavesAnEvenHistogram) {
  Bytes image(256 * 3);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i / 3);
  EXPECT_EQ(changed(image, 16, 16, U8Op::kEqualize), image);
}

TEST(U8Ops, EqualizeMakesLevelsOfRanks) {
  // 512 pixels on levels 100 ... 149: the brightest tenth aside, 460 values are 255 steps of 1.
  Bytes image(512 * 3);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(100 + i % 50);
  std::array<std::array<int, 256>, 3> histograms{};
  for (std::size_t i = 0; i < image.size(); ++i) ++histograms[i % 3][image[i]];
  const Bytes result = changed(image, 16, 32, U8Op::kEqualize);
  for (std::size_t i = 0; i < image.size(); ++i) {
    int below = 0;
    for (int level = 0; level < image[i]; ++level)
      below += histograms[i % 3][static_cast<std::size_t>(level)];
    EXPECT_EQ(result[i], std::min(below, 255));
  }
}

TEST(U8Ops, AFlatImageHasNoHistogramToChange) {
  const Bytes image = flat_image(30, 30, {0, 77, 255});
  EXPECT_EQ(changed(image, 30, 30, U8Op::kEqualize), image);
  EXPECT_EQ(changed(image, 30, 30, U8Op::kAutoContrast), image);
}

TEST(U8Ops, AnyMagnitudeIsSafe) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& [height, width] : {std::pair{1, 1}, {4, 5}})
    for (int op = 0; op < kOps; ++op)
      for (const float magnitude : {nan, infinity, -infinity, 1e30F, -1e30F, 3e9F, -3e9F}) {
        const Bytes image = random_image(height, width);
        const Bytes result = changed(image, height, width, static_cast<U8Op>(op), magnitude);
        EXPECT_EQ(result.size(), image.size());
      }
}

TEST(U8Ops, ScratchCarriesNothingOver) {
  U8Scratch scratch;
  for (int op = 0; op < kOps; ++op) {
    Bytes large = random_image(20, 30, 1);
    apply_u8_step(large, 20, 30, {static_cast<U8Op>(op), 0.5F}, scratch);
    const Bytes image = random_image(11, 7);
    Bytes result = image;
    apply_u8_step(result, 11, 7, {static_cast<U8Op>(op), 0.5F}, scratch);
    EXPECT_EQ(result, changed(image, 11, 7, static_cast<U8Op>(op), 0.5F)) << kNames.at(op);
  }
}

TEST(U8Ops, ScratchGrowsOnce) {
  U8Scratch scratch;
  Bytes image = random_image(20, 30);
  apply_u8_step(image, 20, 30, {U8Op::kRotate, 0.5F}, scratch);  // the one that uses all of it
  const auto* source = scratch.source.data();
  const auto* columns = scratch.columns.data();
  const auto* pixels = scratch.pixels.data();
  for (int op = 0; op < kOps; ++op) {
    apply_u8_step(image, 20, 30, {static_cast<U8Op>(op), 0.5F}, scratch);
    EXPECT_EQ(scratch.source.data(), source) << kNames.at(op);
    EXPECT_EQ(scratch.columns.data(), columns) << kNames.at(op);
    EXPECT_EQ(scratch.pixels.data(), pixels) << kNames.at(op);
  }
}

}  // namespace
}  // namespace simclr
