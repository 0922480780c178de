#include "simclr/report/bitmap_font.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace simclr {
namespace {

std::string drawing(char character) {
  std::string ink;
  for (int row = 0; row < kGlyphHeight; ++row)
    for (int column = 0; column < kGlyphWidth; ++column)
      ink += glyph_ink(character, row, column) ? '#' : '.';
  return ink;
}

Canvas white(int height, int width) {
  return {height, width,
          std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * 3), 255)};
}

/// Places with ink, as rows of '#' and '.'.
std::string ink_of(const Canvas& canvas) {
  std::string ink;
  for (std::size_t i = 0; i < canvas.pixels.size(); i += 3)
    ink +=
        canvas.pixels[i] == 0 && canvas.pixels[i + 1] == 0 && canvas.pixels[i + 2] == 0 ? '#' : '.';
  return ink;
}

TEST(BitmapFont, EveryPrintableCharacterHasInk) {
  for (char c = '!'; c <= '~'; ++c) EXPECT_NE(drawing(c).find('#'), std::string::npos) << c;
  EXPECT_EQ(drawing(' ').find('#'), std::string::npos);
}

TEST(BitmapFont, NoTwoCharactersAreEqual) {
  std::map<std::string, char> seen;
  for (char c = ' '; c <= '~'; ++c) {
    const auto [place, added] = seen.emplace(drawing(c), c);
    EXPECT_TRUE(added) << c << " looks like " << place->second;
  }
  EXPECT_EQ(seen.size(), 95U);
}

TEST(BitmapFont, CharactersStandWhereAsciiHasThem) {
  EXPECT_EQ(drawing('T'), "#####..#....#....#....#....#....#..");
  EXPECT_EQ(drawing('L'), "#....#....#....#....#....#....#####");
  EXPECT_EQ(drawing('-'), "...............#####...............");
  EXPECT_EQ(drawing('_'), "..............................#####");
}

TEST(BitmapFont, WhatIsNotPrintableIsAQuestionMark) {
  for (const char c : {'\0', '\n', '\x1f', '\x7f', '\xe4'}) EXPECT_EQ(drawing(c), drawing('?'));
}

TEST(BitmapFont, TextIsScaledByWholePixels) {
  Canvas canvas = white(14, 22);
  draw_text(canvas, 0, 0, "LT", 2, 0);
  const std::string ink = ink_of(canvas);
  EXPECT_EQ(text_width("LT", 2), 22);
  for (std::size_t y = 0; y < 14; ++y) {
    for (std::size_t x = 0; x < 22; ++x) {
      const auto row = static_cast<int>(y / 2);
      const auto column = static_cast<int>(x / 2);
      const bool expected = column < 5    ? glyph_ink('L', row, column)
                            : column == 5 ? false
                                          : glyph_ink('T', row, column - 6);
      ASSERT_EQ(ink[y * 22 + x] == '#', expected) << y << ", " << x;
    }
  }
}

TEST(BitmapFont, CountsCharactersNotBytes) {
  EXPECT_EQ(text_width("", 3), 0);
  EXPECT_EQ(text_width("\xc3\xa4", 3), 15);
  Canvas two = white(7, 12);
  draw_text(two, 0, 0,
            "\xc3\xa4"
            "a",
            1, 0);
  Canvas expected = white(7, 12);
  draw_text(expected, 0, 0, "?a", 1, 0);
  EXPECT_EQ(ink_of(two), ink_of(expected));
}

TEST(BitmapFont, SomeLettersHangBelowTheLine) {
  for (const char c : {'g', 'p', 'q', 'y', 'a', 'Q', 'j'}) {
    Canvas canvas = white(kGlyphHeight + kDescent, kGlyphWidth);
    draw_text(canvas, 0, 0, std::string(1, c), 1, 0);
    const std::string ink = ink_of(canvas);
    const bool hangs = std::string("gpqy").find(c) != std::string::npos;
    const std::string blank(static_cast<std::size_t>(kDescent * kGlyphWidth), '.');
    EXPECT_EQ(ink, hangs ? blank + drawing(c) : drawing(c) + blank) << c;
  }
}

TEST(BitmapFont, CutsOffWhatIsOutside) {
  Canvas whole = white(11, 15);
  draw_text(whole, 2, 2, "WW", 1, 0);
  Canvas part = white(7, 11);
  draw_text(part, -2, -2, "WW", 1, 0);
  draw_text(part, 100, 100, "WW", 1, 0);
  const std::string all = ink_of(whole);
  const std::string some = ink_of(part);
  for (std::size_t y = 0; y < 3; ++y)
    for (std::size_t x = 0; x < 9; ++x) ASSERT_EQ(some[y * 11 + x], all[(y + 4) * 15 + x + 4]);
}

}  // namespace
}  // namespace simclr
