#include "simclr/kernels/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/winograd.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/transpose-inl.h"
#include "simclr/kernels/winograd-inl.h"

#ifndef SIMCLR_KERNELS_WINOGRAD_ONCE
#define SIMCLR_KERNELS_WINOGRAD_ONCE
namespace simclr {

/// Rows of one panel going from pixels to frequencies, or back. `pixel` has a pointer for every
/// place of the tile, row by row; rows follow each other 16 floats apart everywhere.
struct TileRows {
  const float* const* from = nullptr;  ///< of each pixel, when they are read
  float* const* to = nullptr;          ///< of each pixel, when they are written
  float* matrix = nullptr;             ///< of frequency 0
  std::int64_t matrix_stride = 0;
  std::int64_t rows = 0;
  bool add = false;
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

}  // namespace simclr
#endif

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

inline constexpr int kWinogradLanes = static_cast<int>(hn::MaxLanes(WinogradLanes()));

/// One transform along columns and then rows: A x A^T for x [from, from] -> [to, to].
template <int kFrom, int kTo, class Transform, class Load, class Store>
HWY_ATTR HWY_INLINE void transform_square(const Transform& transform, const Load& load,
                                          const Store& store) {
  WinogradFloats between[kTo][kFrom];
#pragma GCC unroll 6
  for (int j = 0; j < kFrom; ++j) {
    WinogradFloats column[kFrom], result[kTo];
#pragma GCC unroll 6
    for (int i = 0; i < kFrom; ++i) column[i] = load(i * kFrom + j);
    transform(column, result);
#pragma GCC unroll 6
    for (int i = 0; i < kTo; ++i) between[i][j] = result[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTo; ++i) {
    WinogradFloats result[kTo];
    transform(between[i], result);
#pragma GCC unroll 6
    for (int j = 0; j < kTo; ++j) store(i * kTo + j, result[j]);
  }
}

template <class S>
HWY_ATTR void input_rows(const TileRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t at = 0; at < t.rows * kPanel; at += kWinogradLanes)
    transform_square<S::kIn, S::kFrequencies>(
        [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::input(x, r); },
        [&](int i) HWY_ATTR { return hn::LoadU(d, t.from[i] + at); },
        [&](int f, WinogradFloats v)
            HWY_ATTR { hn::StoreU(v, d, t.matrix + f * t.matrix_stride + at); });
}

template <class S>
HWY_ATTR void gradient_rows(const TileRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t at = 0; at < t.rows * kPanel; at += kWinogradLanes)
    transform_square<S::kOut, S::kFrequencies>(
        [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::gradient(x, r); },
        [&](int i) HWY_ATTR { return hn::LoadU(d, t.from[i] + at); },
        [&](int f, WinogradFloats v)
            HWY_ATTR { hn::StoreU(v, d, t.matrix + f * t.matrix_stride + at); });
}

template <class S>
HWY_ATTR void output_rows(const TileRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t at = 0; at < t.rows * kPanel; at += kWinogradLanes)
    transform_square<S::kFrequencies, S::kOut>(
        [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::output(x, r); },
        [&](int f) HWY_ATTR { return hn::LoadU(d, t.matrix + f * t.matrix_stride + at); },
        [&](int i, WinogradFloats v) HWY_ATTR {
          float* to = t.to[i] + at;
          hn::StoreU(t.add ? hn::Add(hn::LoadU(d, to), v) : v, d, to);
        });
}

template <class S>
HWY_ATTR void weight_rows(const TapRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t line = 0; line < t.lines; ++line) {
    for (int part = 0; part < kPanel; part += kWinogradLanes) {
      const float* from = t.taps + line * t.line_stride + part;
      float* to = t.matrix + line * kPanel + part;
      transform_square<3, S::kFrequencies>(
          [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::weights(x, r); },
          [&](int i)
              HWY_ATTR { return hn::LoadU(d, from + (t.turned ? 8 - i : i) * t.tap_stride); },
          [&](int f, WinogradFloats v) HWY_ATTR { hn::StoreU(v, d, to + f * t.matrix_stride); });
    }
  }
}

/// The way back for the gradient of weights: matrices -> taps, which are written.
template <class S>
HWY_ATTR void tap_rows(const TapRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t line = 0; line < t.lines; ++line) {
    for (int part = 0; part < kPanel; part += kWinogradLanes) {
      float* to = const_cast<float*>(t.taps) + line * t.line_stride + part;
      const float* from = t.matrix + line * kPanel + part;
      transform_square<S::kFrequencies, 3>(
          [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::taps(x, r); },
          [&](int f) HWY_ATTR { return hn::LoadU(d, from + f * t.matrix_stride); },
          [&](int i, WinogradFloats v) HWY_ATTR { hn::StoreU(v, d, to + i * t.tap_stride); });
    }
  }
}

#define SIMCLR_FOR_EACH_SCHEME(function, argument) \
  switch (scheme) {                                \
    case WinogradScheme::kF2:                      \
      return function<F2>(argument);               \
    case WinogradScheme::kF4:                      \
      return function<F4>(argument);               \
    case WinogradScheme::kMap2:                    \
      return function<Map2>(argument);             \
  }

HWY_ATTR void to_frequencies(WinogradScheme scheme,
                             const TileRows& t){SIMCLR_FOR_EACH_SCHEME(input_rows, t)} HWY_ATTR
    void gradient_to_frequencies(WinogradScheme scheme, const TileRows& t){
        SIMCLR_FOR_EACH_SCHEME(gradient_rows, t)} HWY_ATTR
    void from_frequencies(WinogradScheme scheme,
                          const TileRows& t){SIMCLR_FOR_EACH_SCHEME(output_rows, t)} HWY_ATTR
    void weights_to_frequencies(WinogradScheme scheme,
                                const TapRows& t){SIMCLR_FOR_EACH_SCHEME(weight_rows, t)} HWY_ATTR
    void weights_from_frequencies(WinogradScheme scheme,
                                  const TapRows& t){SIMCLR_FOR_EACH_SCHEME(tap_rows, t)} HWY_ATTR
    void turn_panel(const float* from, std::int64_t row, float* to) {
  transpose_panel(from, row, to);
}
#undef SIMCLR_FOR_EACH_SCHEME

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

#include "simclr/core/parallel.h"
#include "simclr/kernels/gemm.h"

namespace simclr {
namespace {

HWY_EXPORT(to_frequencies);
HWY_EXPORT(gradient_to_frequencies);
HWY_EXPORT(from_frequencies);
HWY_EXPORT(weights_to_frequencies);
HWY_EXPORT(weights_from_frequencies);
HWY_EXPORT(turn_panel);

constexpr std::int64_t kImages = 64;        ///< of a tile, in a task that transforms
constexpr std::int64_t kProductRows = 256;  ///< in a task that multiplies
constexpr std::int64_t kGroupPanels = 4;    ///< likewise
constexpr std::int64_t kScratch = 3 << 20;  ///< floats that chunks of a batch aim at
constexpr std::int64_t kTaps = 9;

using Rows = std::array<float, kImages * kPanel>;
alignas(64) constexpr Rows kZeros{};  ///< what lies beyond the edge

struct Scheme {
  std::int64_t in, out, frequencies, pad;
};
Scheme of(WinogradScheme scheme) {
  switch (scheme) {
    case WinogradScheme::kF2:
      return {4, 2, 4, 1};
    case WinogradScheme::kF4:
      return {6, 4, 6, 1};
    case WinogradScheme::kMap2:
      break;
  }
  return {2, 2, 3, 0};
}

}  // namespace

/// A chunk of the batch: rows of the matrices are tile by tile, in it image by image.
struct WinogradConv::Pass {
  WinogradScheme scheme;
  Scheme sizes;
  std::int64_t tiles_x;
  std::int64_t tiles;
  std::int64_t image;   ///< first of the chunk
  std::int64_t images;  ///< of the chunk

  std::int64_t rows() const { return tiles * images; }
  std::int64_t blocks() const { return pieces_of(images, kImages); }

  /// Calls body(tile rows without pixels, position of pixel (i, j) or -1, panel, image, row) for
  /// every tile, block of images and panel.
  template <class Body>
  void for_each_tile(std::int64_t panels, const Body& body) const {
    parallel_for(tiles * blocks(), [&](std::int64_t task) {
      const std::int64_t tile = task / blocks();
      const std::int64_t first = piece_begin(images, blocks(), task % blocks());
      const std::int64_t count = piece_begin(images, blocks(), task % blocks() + 1) - first;
      for (std::int64_t panel = 0; panel < panels; ++panel)
        body(tile, panel, image + first, count, tile * images + first);
    });
  }

  /// Where each pixel of a tile's square of `side` lies, of the map at `base`; `outside` otherwise.
  template <class Float>
  void locate(const PanelMap& map, Float* base, std::int64_t tile, std::int64_t side,
              std::int64_t pad, Float* outside, Float** pixel) const {
    const std::int64_t top = tile / tiles_x * sizes.out - pad;
    const std::int64_t left = tile % tiles_x * sizes.out - pad;
    for (std::int64_t i = 0; i < side; ++i) {
      for (std::int64_t j = 0; j < side; ++j) {
        const std::int64_t y = top + i;
        const std::int64_t x = left + j;
        const bool inside = y >= 0 && x >= 0 && y < map.height && x < map.width;
        pixel[i * side + j] = inside ? base + (y * map.width + x) * map.position_stride() : outside;
      }
    }
  }
};

WinogradConv::WinogradConv(const ConvShape& shape, WinogradScheme scheme)
    : shape_(shape),
      scheme_(scheme),
      tiles_y_(pieces_of(shape.height, of(scheme).out)),
      tiles_x_(pieces_of(shape.width, of(scheme).out)) {
  assert(shape.kernel == 3 && shape.stride == 1);
  assert(scheme != WinogradScheme::kMap2 || (shape.height == 2 && shape.width == 2));
}

std::int64_t WinogradConv::frequencies() const {
  return of(scheme_).frequencies * of(scheme_).frequencies;
}

/// Floats from a frequency's matrix to the next: an odd number of cache lines.
std::int64_t WinogradConv::matrix_stride(std::int64_t channels, std::int64_t rows) const {
  return (channels / kPanel * rows | 1) * kPanel;
}

std::int64_t WinogradConv::packed_size() const {
  return frequencies() * matrix_stride(shape_.in_channels, shape_.out_channels);
}

std::int64_t WinogradConv::images_at_once() const {
  const std::int64_t channels = shape_.in_channels + shape_.out_channels;
  const std::int64_t of_image = frequencies() * tiles() * channels;
  const std::int64_t most = std::max<std::int64_t>(1, std::max(kScratch, packed_size()) / of_image);
  return pieces_of(shape_.batch, pieces_of(shape_.batch, most));
}

std::int64_t WinogradConv::scratch_size() const {
  const std::int64_t rows = tiles() * images_at_once();
  return frequencies() *
             (matrix_stride(shape_.in_channels, rows) + matrix_stride(shape_.out_channels, rows)) +
         packed_size();
}

double WinogradConv::product_operations() const {
  return 2.0 * static_cast<double>(frequencies() * tiles() * shape_.batch * shape_.in_channels *
                                   shape_.out_channels);
}

void WinogradConv::pack_forward(const float* weights, float* packed) const {
  const std::int64_t in_panels = shape_.in_channels / kPanel;
  const std::int64_t row = kTaps * shape_.in_channels;
  parallel_for(in_panels * shape_.out_channels / kPanel, [&](std::int64_t i) {
    const std::int64_t in = i % in_panels * kPanel;
    const std::int64_t out_panel = i / in_panels;
    alignas(64) std::array<float, kTaps * kPanel * kPanel> turned;
    for (std::int64_t tap = 0; tap < kTaps; ++tap) HWY_DYNAMIC_DISPATCH(turn_panel)
    (weights + out_panel * kPanel * row + tap * shape_.in_channels + in, row,
     turned.data() + tap * kPanel * kPanel);
    const TapRows rows{.taps = turned.data(),
                       .tap_stride = kPanel * kPanel,
                       .line_stride = kPanel,
                       .matrix = packed + (out_panel * shape_.in_channels + in) * kPanel,
                       .matrix_stride = matrix_stride(shape_.in_channels, shape_.out_channels),
                       .lines = kPanel};
    HWY_DYNAMIC_DISPATCH(weights_to_frequencies)(scheme_, rows);
  });
}

void WinogradConv::pack_backward(const float* weights, float* packed) const {
  parallel_for(shape_.in_channels / kPanel, [&](std::int64_t panel) {
    const TapRows rows{.taps = weights + panel * kPanel,
                       .tap_stride = shape_.in_channels,
                       .line_stride = kTaps * shape_.in_channels,
                       .matrix = packed + panel * shape_.out_channels * kPanel,
                       .matrix_stride = matrix_stride(shape_.in_channels, shape_.out_channels),
                       .lines = shape_.out_channels,
                       .turned = true};
    HWY_DYNAMIC_DISPATCH(weights_to_frequencies)(scheme_, rows);
  });
}

void WinogradConv::forward(const float* x, const float* packed, float* y, float* scratch) const {
  run(shape_.in_map(), shape_.out_map(), x, packed, y, false, scratch);
}

void WinogradConv::input_gradient(const float* dy, const float* packed, float* dx, bool add,
                                  float* scratch) const {
  run(shape_.out_map(), shape_.in_map(), dy, packed, dx, add, scratch);
}

namespace {

using Pixels = std::array<const float*, 36>;
using Places = std::array<float*, 16>;

}  // namespace

void WinogradConv::run(const PanelMap& in, const PanelMap& out, const float* x, const float* packed,
                       float* y, bool add, float* scratch) const {
  Pass pass{scheme_, of(scheme_), tiles_x_, tiles(), 0, 0};
  const std::int64_t parts = pieces_of(shape_.batch, images_at_once());
  const std::int64_t weights_stride = matrix_stride(in.channels, out.channels);
  for (std::int64_t part = 0; part < parts; ++part) {
    pass.image = piece_begin(shape_.batch, parts, part);
    pass.images = piece_begin(shape_.batch, parts, part + 1) - pass.image;
    const std::int64_t rows = pass.rows();
    const std::int64_t in_stride = matrix_stride(in.channels, rows);
    const std::int64_t out_stride = matrix_stride(out.channels, rows);
    float* products = scratch + frequencies() * in_stride;
    pass.for_each_tile(in.panels(), [&](std::int64_t tile, std::int64_t panel, std::int64_t image,
                                        std::int64_t count, std::int64_t row) {
      Pixels pixels;
      pass.locate(in, x + in.offset(panel, 0, image), tile, pass.sizes.in, pass.sizes.pad,
                  kZeros.data(), pixels.data());
      HWY_DYNAMIC_DISPATCH(to_frequencies)
      (scheme_, {.from = pixels.data(),
                 .matrix = scratch + (panel * rows + row) * kPanel,
                 .matrix_stride = in_stride,
                 .rows = count});
    });
    const std::int64_t groups = pieces_of(out.panels(), kGroupPanels);
    const std::int64_t blocks = pieces_of(rows, kProductRows);
    parallel_for(frequencies() * groups * blocks, [&](std::int64_t task) {
      const std::int64_t first = piece_begin(rows, blocks, task % blocks);
      const std::int64_t panel = task / blocks % groups * kGroupPanels;
      const std::int64_t f = task / blocks / groups;
      std::vector<Segment> segments(static_cast<std::size_t>(in.panels()));
      Product product;
      product.b_panel = in.channels * kPanel;
      const float* a = scratch + f * in_stride + first * kPanel;
      const float* b = packed + f * weights_stride + panel * product.b_panel;
      for (Segment& segment : segments) {
        segment = {a, b};
        a += rows * kPanel;
        b += kPanel * kPanel;
      }
      product.segment = segments.data();
      product.segments = in.panels();
      product.rows = piece_begin(rows, blocks, task % blocks + 1) - first;
      product.panels = std::min(kGroupPanels, out.panels() - panel);
      product.c = products + f * out_stride + (panel * rows + first) * kPanel;
      product.c_panel = rows * kPanel;
      multiply(product);
    });
    pass.for_each_tile(out.panels(), [&](std::int64_t tile, std::int64_t panel, std::int64_t image,
                                         std::int64_t count, std::int64_t row) {
      alignas(64) Rows beyond;
      Places places;
      pass.locate(out, y + out.offset(panel, 0, image), tile, pass.sizes.out, 0, beyond.data(),
                  places.data());
      HWY_DYNAMIC_DISPATCH(from_frequencies)
      (scheme_, {.to = places.data(),
                 .matrix = products + (panel * rows + row) * kPanel,
                 .matrix_stride = out_stride,
                 .rows = count,
                 .add = add});
    });
  }
}

void WinogradConv::weight_gradient(const float* x, const float* dy, float* dw,
                                   float* scratch) const {
  const PanelMap in = shape_.in_map();
  const PanelMap out = shape_.out_map();
  Pass pass{scheme_, of(scheme_), tiles_x_, tiles(), 0, 0};
  const std::int64_t parts = pieces_of(shape_.batch, images_at_once());
  const std::int64_t sums_stride = matrix_stride(in.channels, out.channels);
  float* sums = scratch;  // [frequency][input panel][Cout][16]
  float* inputs = sums + packed_size();
  for (std::int64_t part = 0; part < parts; ++part) {
    pass.image = piece_begin(shape_.batch, parts, part);
    pass.images = piece_begin(shape_.batch, parts, part + 1) - pass.image;
    const std::int64_t rows = pass.rows();
    const std::int64_t in_stride = matrix_stride(in.channels, rows);
    const std::int64_t out_stride = matrix_stride(out.channels, rows);
    float* gradients = inputs + frequencies() * in_stride;
    pass.for_each_tile(in.panels() + out.panels(),
                       [&](std::int64_t tile, std::int64_t panel, std::int64_t image,
                           std::int64_t count, std::int64_t row) {
                         Pixels pixels;
                         if (panel < in.panels()) {
                           pass.locate(in, x + in.offset(panel, 0, image), tile, pass.sizes.in,
                                       pass.sizes.pad, kZeros.data(), pixels.data());
                           HWY_DYNAMIC_DISPATCH(to_frequencies)
                           (scheme_, {.from = pixels.data(),
                                      .matrix = inputs + (panel * rows + row) * kPanel,
                                      .matrix_stride = in_stride,
                                      .rows = count});
                           return;
                         }
                         panel -= in.panels();
                         pass.locate(out, dy + out.offset(panel, 0, image), tile, pass.sizes.out, 0,
                                     kZeros.data(), pixels.data());
                         HWY_DYNAMIC_DISPATCH(gradient_to_frequencies)
                         (scheme_, {.from = pixels.data(),
                                    .matrix = gradients + (panel * rows + row) * kPanel,
                                    .matrix_stride = out_stride,
                                    .rows = count});
                       });
    const std::int64_t groups = pieces_of(in.panels(), kGroupPanels);
    parallel_for(frequencies() * groups, [&](std::int64_t task) {
      const std::int64_t panel = task % groups * kGroupPanels;
      const std::int64_t f = task / groups;
      const Segment segment{gradients + f * out_stride,
                            inputs + f * in_stride + panel * rows * kPanel};
      Product product;
      product.segment = &segment;
      product.segments = 1;
      product.depth = rows;
      product.a_row = 1;
      product.a_step = kPanel;
      product.b_panel = rows * kPanel;
      product.c_panel = out.channels * kPanel;
      product.rows = kPanel;
      product.panels = std::min(kGroupPanels, in.panels() - panel);
      product.add = part > 0;
      for (std::int64_t o = 0; o < out.panels(); ++o) {
        product.a_offset = o * rows * kPanel;
        product.c = sums + f * sums_stride + (panel * out.channels + o * kPanel) * kPanel;
        multiply(product);
      }
    });
  }
  parallel_for(in.panels(), [&](std::int64_t panel) {
    const TapRows rows{.taps = dw + panel * kPanel,
                       .tap_stride = in.channels,
                       .line_stride = kTaps * in.channels,
                       .matrix = sums + panel * out.channels * kPanel,
                       .matrix_stride = sums_stride,
                       .lines = out.channels};
    HWY_DYNAMIC_DISPATCH(weights_from_frequencies)(scheme_, rows);
  });
}

}  // namespace simclr
#endif  // HWY_ONCE
