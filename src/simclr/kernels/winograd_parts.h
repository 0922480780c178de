#pragma once

#include "simclr/core/parallel.h"
#include "simclr/kernels/winograd.h"

// What the parts of WinogradConv share: winograd.cpp (sizes, weights, tiles), winograd_forward.cpp
// and winograd_gradient.cpp.

namespace simclr {

inline constexpr std::int64_t kWinogradTaps = 9;
/// Images of a tile in a task that transforms.
inline constexpr std::int64_t kTileImages = 64;
/// Panels that a task multiplies at a time: their weights stay in cache.
inline constexpr std::int64_t kTileGroup = 4;

/// Floats from a frequency's matrix to the next: an odd number of cache lines.
inline std::int64_t matrix_stride(std::int64_t channels, std::int64_t rows) {
  return (channels / kPanel * rows | 1) * kPanel;
}

/// Some images of one tile.
struct WinogradConv::Block {
  std::int64_t tile;
  std::int64_t image;
  std::int64_t images;
  std::int64_t row;  ///< of its first image in the matrices
  std::int64_t task;
};

/// What a tile covers of a map.
struct WinogradConv::Square {
  std::int64_t side;
  std::int64_t step;  ///< from a tile's square to the next
  std::int64_t pad;   ///< by which the first hangs over the edge
};

/// One matrix [channels / 16][rows][16] for each frequency.
struct WinogradConv::Matrices {
  float* data;
  std::int64_t rows;
  std::int64_t stride;  ///< floats from one to the next
  float* at(std::int64_t frequency, std::int64_t panel, std::int64_t row = 0) const {
    return data + frequency * stride + (panel * rows + row) * kPanel;
  }
};

/// What goes in and comes out of a convolution, forward or backward.
struct WinogradConv::Maps {
  WinogradScheme scheme;
  PanelMap in;
  PanelMap out;
  ConvInput x;
  const float* packed;
  float* y;
  bool add;
  const Epilogue* epilogue;  ///< or null
};

/// Calls body(block) for every tile and at most so many of the images at a time; rows go tile
/// by tile.
template <class Body>
void WinogradConv::for_each_block(std::int64_t first, std::int64_t images, std::int64_t at_most,
                                  const Body& body) const {
  const std::int64_t parts = pieces_of(images, at_most);
  parallel_for(tiles() * parts, [&](std::int64_t task) {
    const std::int64_t begin = piece_begin(images, parts, task % parts);
    const std::int64_t count = piece_begin(images, parts, task % parts + 1) - begin;
    const std::int64_t tile = task / parts;
    body(Block{tile, first + begin, count, tile * images + begin, task});
  });
}

inline std::int64_t WinogradConv::blocks_of(std::int64_t images, std::int64_t at_most) const {
  return tiles() * pieces_of(images, at_most);
}

}  // namespace simclr
