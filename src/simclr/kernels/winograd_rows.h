#pragma once

#include <cstdint>

#include "simclr/kernels/winograd.h"

namespace simclr {

/// Sizes of a scheme's tile, along one side.
struct WinogradSizes {
  std::int64_t in, in_step, pad;  ///< step: from a tile to the next
  std::int64_t out;               ///< likewise its step
  std::int64_t frequencies;
  std::int64_t weights;  ///< of as many frequencies; those after the last share its weights
};
constexpr WinogradSizes sizes_of(WinogradScheme scheme) {
  switch (scheme) {
    case WinogradScheme::kF2:
      return {4, 2, 1, 2, 4, 4};
    case WinogradScheme::kF4:
      return {6, 4, 1, 4, 6, 6};
    case WinogradScheme::kMap2:
      return {2, 2, 0, 2, 3, 3};
    case WinogradScheme::kF4Stride2:
      return {9, 8, 1, 4, 9, 6};
    case WinogradScheme::kF4Stride2Back:
      break;
  }
  return {5, 4, 0, 8, 9, 6};
}

/// The scheme of the input gradient.
constexpr WinogradScheme back_of(WinogradScheme scheme) {
  return scheme == WinogradScheme::kF4Stride2 ? WinogradScheme::kF4Stride2Back : scheme;
}

/// relu(scale * pixel + shift) x inside, of one panel.
struct TileNorm {
  const float* scale = nullptr;   ///< [16]; null: pixels as they are
  const float* shift = nullptr;   ///< [16]
  const float* inside = nullptr;  ///< of each pixel: 1, or 0 beyond the edge
};

/// Rows of one panel going from pixels to frequencies, or back. `pixel` has a pointer for every
/// place of the tile, row by row; rows follow each other 16 floats apart everywhere.
struct TileRows {
  const float* const* from = nullptr;  ///< of each pixel, when they are read
  float* const* to = nullptr;          ///< of each pixel, when they are written
  float* matrix = nullptr;             ///< of frequency 0
  std::int64_t matrix_stride = 0;
  std::int64_t rows = 0;
  bool add = false;
  TileNorm norm = {};  ///< of the input
};

/// Weights of one panel: `lines` rows of 16, each for 9 taps.
struct TapRows {
  const float* taps = nullptr;
  std::int64_t tap_stride = 0;
  std::int64_t line_stride = 0;
  float* matrix = nullptr;
  std::int64_t matrix_stride = 0;
  std::int64_t lines = 0;
  bool turned = false;  ///< the last tap first
};

/// Pixels of the input -> matrices.
void to_frequencies(WinogradScheme scheme, const TileRows& rows);
/// Pixels of the output's gradient -> matrices.
void gradient_to_frequencies(WinogradScheme scheme, const TileRows& rows);
/// Matrices -> pixels of the output.
void from_frequencies(WinogradScheme scheme, const TileRows& rows);
void weights_to_frequencies(WinogradScheme scheme, const TapRows& rows);
/// Matrices of the weights' gradient -> taps, which are written.
void weights_from_frequencies(WinogradScheme scheme, const TapRows& rows);

}  // namespace simclr
