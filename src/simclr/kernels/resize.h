#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "simclr/kernels/pixels.h"

namespace simclr {

/// One direction of a bilinear resize with antialiasing, as torchvision's with antialias=True: each
/// output value is a weighted mean of neighbouring input values (triangle filter, widened by in /
/// out where that is above 1; the edge is where the input ends). Output i reads inputs first[i] to
/// first[i] + taps - 1 with weights[k * stride + i].
struct ResizeFilter {
  int taps = 0;
  std::size_t stride = 0;           ///< padded number of outputs
  std::vector<std::int32_t> first;  ///< [stride]
  std::vector<float> weights;       ///< [taps, stride]
};

/// From `in` to `out` values, both at least 1; mirrored: output i is output out - 1 - i. Memory of
/// `filter` is used again.
void make_resize_filter(int in, int out, bool mirrored, ResizeFilter& filter);

/// Filters that were made already: most views of small images need one of few. A later filter may
/// take the place of an earlier one, so memory is bounded.
class ResizeFilters {
 public:
  /// As make_resize_filter. Valid until the next call.
  const ResizeFilter& get(int in, int out, bool mirrored);

 private:
  struct Slot {
    int in = 0;
    int out = 0;
    ResizeFilter filter;
  };
  std::array<Slot, 128> slots_;
};

/// Part of an image: u8 [height, width, 3] whose rows are row_bytes apart.
struct PixelBox {
  const std::uint8_t* pixels = nullptr;
  int height = 0;
  int width = 0;
  std::size_t row_bytes = 0;
};

/// Memory that resizing needs, kept from call to call.
struct ResizeScratch {
  std::vector<float> line;  // [3, padded width]: one row
  std::vector<float> rows;  // [height, 3, padded side]: columns done, rows not
};

/// Resizes a box of pixels to planes in [0, 1] of side x side.
/// @param columns  filter from box.width to side
/// @param rows     filter from box.height to side
/// @param out      n = side * side; stride at least n + kPixelLanes
void resize_to_planes(const PixelBox& box, const ResizeFilter& columns, const ResizeFilter& rows,
                      int side, ResizeScratch& scratch, const Planes& out);

}  // namespace simclr
