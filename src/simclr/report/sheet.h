#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "simclr/report/bitmap_font.h"

namespace simclr {

/// Square tiles in labelled rows and columns on a light sheet. The first column is set apart from
/// the others. Text grows with the tiles, columns with their headings.
class Sheet {
 public:
  /// @param labels    of each row, at its left; what is longer than 20 characters is cut
  /// @param headings  of each column, one string a line
  /// @param side      of a tile in values, before scaling
  /// @param scale     picture pixels per value; 0: as large as 1,600 pixels allow, 3 at most; where
  ///                  even 1 is too large, squares of values become one pixel
  Sheet(const std::vector<std::string>& labels,
        const std::vector<std::vector<std::string>>& headings, int side, int scale);

  /// @param tile  f32 [height, width, 3], in [0, 1] (else clamped), neither above side; centred
  void put(int row, int column, std::span<const float> tile, int height, int width);

  /// @throws Error(kFailed) if it cannot be written
  void write(const std::filesystem::path& path) const;

  // Where things are, in pixels of the picture.
  int height() const { return canvas_.height; }
  int width() const { return canvas_.width; }
  int tile() const { return side_ * scale_ / shrink_; }  ///< side of a tile
  int top_of(int row) const;
  int left_of(int column) const;

 private:
  void lay_out(const std::vector<std::string>& labels,
               const std::vector<std::vector<std::string>>& headings);
  void draw_labels(const std::vector<std::string>& labels,
                   const std::vector<std::vector<std::string>>& headings);

  int side_;
  int scale_;
  int shrink_ = 1;
  int text_scale_ = 1;
  int first_top_ = 0;
  int column_width_ = 0;
  int first_left_ = 0;
  Canvas canvas_;
};

}  // namespace simclr
