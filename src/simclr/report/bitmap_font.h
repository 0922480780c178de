#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

// A font of 5 x 7 pixels for labels in pictures that are written without any graphics library.
namespace simclr {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;
inline constexpr int kDescent = 2;  ///< g, p, q and y hang so many pixels lower than the rest

/// Is there ink at this place? row in [0, 7), column in [0, 5). Whatever is not printable ASCII
/// looks like '?'.
bool glyph_ink(char character, int row, int column);

/// u8 RGB [height, width, 3].
struct Canvas {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Of one line in pixels, each pixel of the font `scale` wide: characters of UTF-8 are counted, not
/// bytes.
int text_width(std::string_view text, int scale);

/// One line of grey of that level, from its top left corner; what is outside is cut off.
void draw_text(Canvas& canvas, int top, int left, std::string_view text, int scale,
               std::uint8_t level);

}  // namespace simclr
