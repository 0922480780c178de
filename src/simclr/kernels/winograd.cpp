#include "simclr/kernels/winograd.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "simclr/kernels/transpose.h"
#include "simclr/kernels/winograd_parts.h"
#include "simclr/kernels/winograd_rows.h"

namespace simclr {
namespace {

constexpr std::int64_t kPhaseFloats = 3 << 20;      ///< that a chunk of the batch aims at
constexpr std::int64_t kCacheFloats = 224 << 10;    ///< of a block that stays in a core's cache
constexpr std::int64_t kCachedWeights = 128 * 128;  ///< Cin Cout up to which blocks pay
constexpr std::int64_t kCachedSums = 64 * 64;       ///< likewise, in the weight gradient
constexpr std::int64_t kSlices = 16;                ///< of the batch, in the weight gradient
constexpr std::int64_t kManyRows = 4096;  ///< of tiles and images, from which there are so many

using Rows = std::array<float, kTileImages * kPanel>;
constexpr std::size_t kMostInputs = 81;   ///< of a tile
constexpr std::size_t kMostOutputs = 64;  ///< likewise
alignas(64) constexpr Rows kZeros{};      ///< what lies beyond the edge

}  // namespace

WinogradConv::WinogradConv(const ConvShape& shape, WinogradScheme scheme)
    : shape_(shape),
      scheme_(scheme),
      tiles_y_(pieces_of(shape.out_map().height, sizes_of(scheme).out)),
      tiles_x_(pieces_of(shape.out_map().width, sizes_of(scheme).out)) {
  assert(shape.kernel == 3 && shape.stride == (scheme == WinogradScheme::kF4Stride2 ? 2 : 1));
  assert(scheme != WinogradScheme::kMap2 || (shape.height == 2 && shape.width == 2));
}

// ---- sizes ----

std::int64_t WinogradConv::frequencies() const {
  return sizes_of(scheme_).frequencies * sizes_of(scheme_).frequencies;
}

std::int64_t WinogradConv::weight_matrices() const {
  return sizes_of(scheme_).weights * sizes_of(scheme_).weights;
}

/// The matrix of weights that a frequency is multiplied by.
std::int64_t WinogradConv::weights_of(std::int64_t frequency) const {
  const WinogradSizes sizes = sizes_of(scheme_);
  return std::min(frequency / sizes.frequencies, sizes.weights - 1) * sizes.weights +
         std::min(frequency % sizes.frequencies, sizes.weights - 1);
}

/// Whether it is the first of those that share their weights.
bool WinogradConv::begins_weights(std::int64_t frequency) const {
  const WinogradSizes sizes = sizes_of(scheme_);
  return std::max(frequency / sizes.frequencies, frequency % sizes.frequencies) < sizes.weights;
}

double WinogradConv::product_operations() const {
  return 2.0 * static_cast<double>(frequencies() * tiles() * shape_.batch * shape_.in_channels *
                                   shape_.out_channels);
}

std::int64_t WinogradConv::packed_size() const {
  return weight_matrices() * matrix_stride(shape_.in_channels, shape_.out_channels);
}

/// Images of a tile whose matrices stay in cache; 0 where the weights alone would fill it.
std::int64_t WinogradConv::images_in_cache() const {
  if (shape_.in_channels * shape_.out_channels > kCachedWeights) return 0;
  const std::int64_t of_image = frequencies() * (shape_.in_channels + shape_.out_channels);
  return std::clamp<std::int64_t>(kCacheFloats / of_image, 1, kTileImages);
}

/// Parts of the batch with sums of their own; 0 where sums would fill the cache.
std::int64_t WinogradConv::slices() const {
  if (shape_.in_channels * shape_.out_channels > kCachedSums) return 0;
  const std::int64_t rows = tiles() * shape_.batch;
  const std::int64_t most = rows < kManyRows ? kSlices / 2 : kSlices;
  return std::clamp<std::int64_t>(rows / kTileImages, 1, std::min(most, shape_.batch));
}

/// Images of a chunk where it takes all threads together.
std::int64_t WinogradConv::images_at_once() const {
  const std::int64_t channels = shape_.in_channels + shape_.out_channels;
  const std::int64_t of_image = frequencies() * tiles() * channels;
  const std::int64_t most =
      std::max<std::int64_t>(1, std::max(kPhaseFloats, packed_size()) / of_image);
  return pieces_of(shape_.batch, pieces_of(shape_.batch, most));
}

std::int64_t WinogradConv::scratch_size() const {
  if (slices() > 0) return slices() * packed_size();
  const std::int64_t rows = tiles() * images_at_once();
  return frequencies() *
             (matrix_stride(shape_.in_channels, rows) + matrix_stride(shape_.out_channels, rows)) +
         packed_size();
}

// ---- weights ----

void WinogradConv::pack_forward(const float* weights, float* packed) const {
  const std::int64_t in_panels = shape_.in_channels / kPanel;
  const std::int64_t row = kWinogradTaps * shape_.in_channels;
  parallel_for(in_panels * shape_.out_channels / kPanel, [&](std::int64_t i) {
    const std::int64_t in = i % in_panels * kPanel;
    const std::int64_t out_panel = i / in_panels;
    alignas(64) std::array<float, kWinogradTaps * kPanel * kPanel> turned;
    for (std::int64_t tap = 0; tap < kWinogradTaps; ++tap)
      turn_panel(weights + out_panel * kPanel * row + tap * shape_.in_channels + in, row,
                 turned.data() + tap * kPanel * kPanel);
    weights_to_frequencies(scheme_,
                           {.taps = turned.data(),
                            .tap_stride = kPanel * kPanel,
                            .line_stride = kPanel,
                            .matrix = packed + (out_panel * shape_.in_channels + in) * kPanel,
                            .matrix_stride = matrix_stride(shape_.in_channels, shape_.out_channels),
                            .lines = kPanel});
  });
}

void WinogradConv::pack_backward(const float* weights, float* packed) const {
  parallel_for(shape_.in_channels / kPanel, [&](std::int64_t panel) {
    weights_to_frequencies(scheme_,
                           {.taps = weights + panel * kPanel,
                            .tap_stride = shape_.in_channels,
                            .line_stride = kWinogradTaps * shape_.in_channels,
                            .matrix = packed + panel * shape_.out_channels * kPanel,
                            .matrix_stride = matrix_stride(shape_.in_channels, shape_.out_channels),
                            .lines = shape_.out_channels,
                            .turned = true});
  });
}

// ---- pixels to matrices and back ----

/// Where each pixel of a tile's square lies, of the panel at `base`.
template <class Float>
void WinogradConv::locate(const Block& block, const PanelMap& map, const Square& square,
                          Float* base, Float* outside, Float** pixel) const {
  const std::int64_t top = block.tile / tiles_x_ * square.step - square.pad;
  const std::int64_t left = block.tile % tiles_x_ * square.step - square.pad;
  for (std::int64_t y = top; y < top + square.side; ++y) {
    for (std::int64_t x = left; x < left + square.side; ++x) {
      const bool inside = y >= 0 && x >= 0 && y < map.height && x < map.width;
      *pixel++ = inside ? base + (y * map.width + x) * map.position_stride() : outside;
    }
  }
}

void WinogradConv::read_inputs(const Block& block, const PanelMap& map, const ConvInput& x,
                               WinogradScheme scheme, const Matrices& to) const {
  const WinogradSizes sizes = sizes_of(scheme);
  std::array<const float*, kMostInputs> pixels;
  std::array<float, kMostInputs> inside;  // what lies beyond the edge stays zero behind a norm
  for (std::int64_t panel = 0; panel < map.panels(); ++panel) {
    locate(block, map, {sizes.in, sizes.in_step, sizes.pad},
           x.map + map.offset(panel, 0, block.image), kZeros.data(), pixels.data());
    TileRows rows{.from = pixels.data(),
                  .matrix = to.at(0, panel, block.row),
                  .matrix_stride = to.stride,
                  .rows = block.images};
    if (x.scale != nullptr) {
      std::transform(pixels.begin(), pixels.begin() + sizes.in * sizes.in, inside.begin(),
                     [](const float* pixel) { return pixel == kZeros.data() ? 0.0F : 1.0F; });
      rows.norm = {x.scale + panel * kPanel, x.shift + panel * kPanel, inside.data()};
    }
    to_frequencies(scheme, rows);
  }
}

void WinogradConv::read_gradients(const Block& block, const PanelMap& map, const float* dy,
                                  const Matrices& to) const {
  const std::int64_t side = sizes_of(scheme_).out;
  std::array<const float*, kMostOutputs> pixels;
  for (std::int64_t panel = 0; panel < map.panels(); ++panel) {
    locate(block, map, {side, side, 0}, dy + map.offset(panel, 0, block.image), kZeros.data(),
           pixels.data());
    gradient_to_frequencies(scheme_, {.from = pixels.data(),
                                      .matrix = to.at(0, panel, block.row),
                                      .matrix_stride = to.stride,
                                      .rows = block.images});
  }
}

void WinogradConv::write_outputs(const Block& block, const Maps& maps, const Matrices& from) const {
  const std::int64_t side = sizes_of(maps.scheme).out;
  alignas(64) Rows beyond;
  std::array<float*, kMostOutputs> pixels;
  for (std::int64_t panel = 0; panel < maps.out.panels(); ++panel) {
    locate(block, maps.out, {side, side, 0}, maps.y + maps.out.offset(panel, 0, block.image),
           beyond.data(), pixels.data());
    from_frequencies(maps.scheme, {.to = pixels.data(),
                                   .matrix = from.at(0, panel, block.row),
                                   .matrix_stride = from.stride,
                                   .rows = block.images,
                                   .add = maps.add});
    if (maps.epilogue == nullptr) continue;
    const auto end = std::remove(pixels.begin(), pixels.begin() + side * side, beyond.data());
    (*maps.epilogue)({block.task, panel, pixels.data(), end - pixels.begin(), block.images});
  }
}

}  // namespace simclr
