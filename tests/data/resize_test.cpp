#include "simclr/data/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simclr/core/files.h"

namespace simclr {
namespace {

using Pixels = std::vector<std::uint8_t>;

Pixels from_hex(const std::string& text) {
  Pixels pixels;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    pixels.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return pixels;
}

Pixels repeated(const Pixels& pixel, std::size_t count) {
  Pixels pixels;
  for (std::size_t i = 0; i < count; ++i) pixels.insert(pixels.end(), pixel.begin(), pixel.end());
  return pixels;
}

// PIL rounds between its two passes as well: one level.
TEST(ResizeAntialiased, EqualsPilWithinOneLevel) {
  constexpr int kOneLevel = 1;
  const auto golden = nlohmann::json::parse(read_file(SIMCLR_GOLDEN_DIR "/resize.json"));
  ASSERT_EQ(golden["cases"].size(), 8U);
  for (const auto& one : golden["cases"]) {
    const ImageSize from{one["from"][0], one["from"][1]};
    const ImageSize to{one["to"][0], one["to"][1]};
    const Pixels expected = from_hex(one["resized"]);
    const DecodedImage got = resize_antialiased(from_hex(one["pixels"]), from, to);
    ASSERT_EQ(got.pixels.size(), expected.size());
    EXPECT_EQ(got.height, to.height);
    EXPECT_EQ(got.width, to.width);
    int largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      largest = std::max(largest, std::abs(got.pixels[i] - expected[i]));
    EXPECT_LE(largest, kOneLevel) << one["from"] << " to " << one["to"];
  }
}

TEST(ResizeAntialiased, SameSizeIsTheSamePicture) {
  Pixels pixels;
  for (int i = 0; i < 5 * 7 * 3; ++i) pixels.push_back(static_cast<std::uint8_t>(i * 37));
  EXPECT_EQ(resize_antialiased(pixels, {5, 7}, {5, 7}).pixels, pixels);
}

TEST(ResizeAntialiased, KeepsOneColourExactly) {
  const Pixels colour{0, 127, 255};
  const Pixels large = repeated(colour, 100 * 60);
  EXPECT_EQ(resize_antialiased(large, {100, 60}, {7, 11}).pixels, repeated(colour, 7 * 11));
}

TEST(ResizeAntialiased, HalvingAFineChequerboardGivesGrey) {
  Pixels board;
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x)
      board.insert(board.end(), 3, static_cast<std::uint8_t>((x + y) % 2 * 255));
  const Pixels half = resize_antialiased(board, {32, 32}, {16, 16}).pixels;
  for (std::size_t y = 1; y < 15; ++y)  // at the edges the triangle is cut off
    for (std::size_t x = 1; x < 15; ++x) EXPECT_EQ(half[(y * 16 + x) * 3], 128);  // 127.5, rounded
}

TEST(ShrunkSize, ShorterSideBecomesTheSideAndTheLongerOneIsCut) {
  const auto size = [](int height, int width, int side) {
    const ImageSize result = shrunk_size({height, width}, side);
    return std::pair(result.height, result.width);
  };
  EXPECT_EQ(size(375, 500, 64), std::pair(64, 85));  // 85.33
  EXPECT_EQ(size(500, 375, 64), std::pair(85, 64));
  EXPECT_EQ(size(1000, 30, 31), std::pair(1000, 30));
  EXPECT_EQ(size(64, 64, 64), std::pair(64, 64));
  EXPECT_EQ(size(65000, 65000, 1), std::pair(1, 1));
}

}  // namespace
}  // namespace simclr
