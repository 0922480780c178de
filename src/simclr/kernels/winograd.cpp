#include "simclr/kernels/winograd.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

#include "simclr/core/huge_memory.h"
#include "simclr/core/parallel.h"
#include "simclr/kernels/gemm.h"
#include "simclr/kernels/winograd_rows.h"

namespace simclr {
namespace {

constexpr std::int64_t kTaps = 9;
constexpr std::int64_t kImages = 64;              ///< of a tile, in a task that transforms
constexpr std::int64_t kProductRows = 256;        ///< in a task that multiplies
constexpr std::int64_t kGroupPanels = 4;          ///< likewise
constexpr std::int64_t kPhaseFloats = 3 << 20;    ///< that a chunk of the batch aims at
constexpr std::int64_t kCacheFloats = 224 << 10;  ///< of a block that stays in a core's cache
constexpr std::int64_t kCachedWeights =
    128 * 128;  ///< Cin Cout up to which blocks pay  ///< channels^2 up to which blocks pay
constexpr std::int64_t kCachedSums = 64 * 64;  ///< likewise, in the weight gradient
constexpr std::int64_t kSlices = 16;           ///< of the batch, in the weight gradient
constexpr std::int64_t kManyRows = 4096;  ///< of tiles and images, from which there are so many

using Rows = std::array<float, kImages * kPanel>;
using Pixels = std::array<const float*, 36>;
alignas(64) constexpr Rows kZeros{};  ///< what lies beyond the edge

/// Floats from a frequency's matrix to the next: an odd number of cache lines.
std::int64_t matrix_stride(std::int64_t channels, std::int64_t rows) {
  return (channels / kPanel * rows | 1) * kPanel;
}

}  // namespace

/// Some images of one tile.
struct WinogradConv::Block {
  std::int64_t tile;
  std::int64_t image;
  std::int64_t images;
  std::int64_t row;  ///< of its first image in the matrices
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
  PanelMap in;
  PanelMap out;
  const float* x;
  const float* packed;
  float* y;
  bool add;
};

WinogradConv::WinogradConv(const ConvShape& shape, WinogradScheme scheme)
    : shape_(shape),
      scheme_(scheme),
      tiles_y_(pieces_of(shape.height, sizes_of(scheme).out)),
      tiles_x_(pieces_of(shape.width, sizes_of(scheme).out)) {
  assert(shape.kernel == 3 && shape.stride == 1);
  assert(scheme != WinogradScheme::kMap2 || (shape.height == 2 && shape.width == 2));
}

// ---- sizes ----

std::int64_t WinogradConv::frequencies() const {
  return sizes_of(scheme_).frequencies * sizes_of(scheme_).frequencies;
}

double WinogradConv::product_operations() const {
  return 2.0 * static_cast<double>(frequencies() * tiles() * shape_.batch * shape_.in_channels *
                                   shape_.out_channels);
}

std::int64_t WinogradConv::packed_size() const {
  return frequencies() * matrix_stride(shape_.in_channels, shape_.out_channels);
}

/// Images of a tile whose matrices stay in cache; 0 where the weights alone would fill it.
std::int64_t WinogradConv::images_in_cache() const {
  if (shape_.in_channels * shape_.out_channels > kCachedWeights) return 0;
  const std::int64_t of_image = frequencies() * (shape_.in_channels + shape_.out_channels);
  return std::clamp<std::int64_t>(kCacheFloats / of_image, 1, kImages);
}

/// Parts of the batch with sums of their own; 0 where sums would fill the cache.
std::int64_t WinogradConv::slices() const {
  if (shape_.in_channels * shape_.out_channels > kCachedSums) return 0;
  const std::int64_t rows = tiles() * shape_.batch;
  const std::int64_t most = rows < kManyRows ? kSlices / 2 : kSlices;
  return std::clamp<std::int64_t>(rows / kImages, 1, std::min(most, shape_.batch));
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
  const std::int64_t row = kTaps * shape_.in_channels;
  parallel_for(in_panels * shape_.out_channels / kPanel, [&](std::int64_t i) {
    const std::int64_t in = i % in_panels * kPanel;
    const std::int64_t out_panel = i / in_panels;
    alignas(64) std::array<float, kTaps * kPanel * kPanel> turned;
    for (std::int64_t tap = 0; tap < kTaps; ++tap)
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
                            .line_stride = kTaps * shape_.in_channels,
                            .matrix = packed + panel * shape_.out_channels * kPanel,
                            .matrix_stride = matrix_stride(shape_.in_channels, shape_.out_channels),
                            .lines = shape_.out_channels,
                            .turned = true});
  });
}

// ---- pixels to matrices and back ----

/// Where each pixel of a tile's square of `side` lies, of the panel at `base`.
template <class Float>
void WinogradConv::locate(const Block& block, const PanelMap& map, std::int64_t side,
                          std::int64_t pad, Float* base, Float* outside, Float** pixel) const {
  const std::int64_t top = block.tile / tiles_x_ * sizes_of(scheme_).out - pad;
  const std::int64_t left = block.tile % tiles_x_ * sizes_of(scheme_).out - pad;
  for (std::int64_t y = top; y < top + side; ++y) {
    for (std::int64_t x = left; x < left + side; ++x) {
      const bool inside = y >= 0 && x >= 0 && y < map.height && x < map.width;
      *pixel++ = inside ? base + (y * map.width + x) * map.position_stride() : outside;
    }
  }
}

void WinogradConv::read_inputs(const Block& block, const PanelMap& map, const float* x,
                               const Matrices& to) const {
  Pixels pixels;
  for (std::int64_t panel = 0; panel < map.panels(); ++panel) {
    locate(block, map, sizes_of(scheme_).in, sizes_of(scheme_).pad,
           x + map.offset(panel, 0, block.image), kZeros.data(), pixels.data());
    to_frequencies(scheme_, {.from = pixels.data(),
                             .matrix = to.at(0, panel, block.row),
                             .matrix_stride = to.stride,
                             .rows = block.images});
  }
}

void WinogradConv::read_gradients(const Block& block, const PanelMap& map, const float* dy,
                                  const Matrices& to) const {
  Pixels pixels;
  for (std::int64_t panel = 0; panel < map.panels(); ++panel) {
    locate(block, map, sizes_of(scheme_).out, 0, dy + map.offset(panel, 0, block.image),
           kZeros.data(), pixels.data());
    gradient_to_frequencies(scheme_, {.from = pixels.data(),
                                      .matrix = to.at(0, panel, block.row),
                                      .matrix_stride = to.stride,
                                      .rows = block.images});
  }
}

void WinogradConv::write_outputs(const Block& block, const Maps& maps, const Matrices& from) const {
  alignas(64) Rows beyond;
  std::array<float*, 16> pixels;
  for (std::int64_t panel = 0; panel < maps.out.panels(); ++panel) {
    locate(block, maps.out, sizes_of(scheme_).out, 0,
           maps.y + maps.out.offset(panel, 0, block.image), beyond.data(), pixels.data());
    from_frequencies(scheme_, {.to = pixels.data(),
                               .matrix = from.at(0, panel, block.row),
                               .matrix_stride = from.stride,
                               .rows = block.images,
                               .add = maps.add});
  }
}

/// Calls body(block, slot) for every tile and at most so many of the images at a time; rows go tile
/// by tile.
template <class Body>
void WinogradConv::for_each_block(std::int64_t first, std::int64_t images, std::int64_t at_most,
                                  const Body& body) const {
  const std::int64_t parts = pieces_of(images, at_most);
  parallel_for(tiles() * parts, [&](std::int64_t task) {
    const std::int64_t begin = piece_begin(images, parts, task % parts);
    const std::int64_t count = piece_begin(images, parts, task % parts + 1) - begin;
    const std::int64_t tile = task / parts;
    body(Block{tile, first + begin, count, tile * images + begin});
  });
}

// ---- forward, and the gradient of the input ----

void WinogradConv::forward(const float* x, const float* packed, float* y, float* scratch) const {
  run({shape_.in_map(), shape_.out_map(), x, packed, y, false}, scratch);
}

void WinogradConv::input_gradient(const float* dy, const float* packed, float* dx, bool add,
                                  float* scratch) const {
  run({shape_.out_map(), shape_.in_map(), dy, packed, dx, add}, scratch);
}

void WinogradConv::run(const Maps& maps, float* scratch) const {
  if (images_in_cache() > 0) return run_in_cache(maps);
  run_in_phases(maps, scratch);
}

namespace {

/// One frequency's product for some rows and output panels.
struct FrequencyProduct {
  const float* a;         ///< row of panel 0
  std::int64_t a_panel;   ///< floats
  std::int64_t channels;  ///< that are summed over
  const float* b;         ///< of the first output panel
  float* c;
  std::int64_t c_panel;
  std::int64_t rows;
  std::int64_t panels;

  void run() const {
    std::array<Segment, 64> segments;
    Product product;
    product.segment = segments.data();
    product.b_panel = channels * kPanel;
    product.c = c;
    product.c_panel = c_panel;
    product.rows = rows;
    product.panels = panels;
    const std::int64_t in_panels = channels / kPanel;
    for (std::int64_t done = 0; done < in_panels; done += product.segments) {
      product.segments = std::min<std::int64_t>(std::ssize(segments), in_panels - done);
      for (std::int64_t i = 0; i < product.segments; ++i)
        segments[static_cast<std::size_t>(i)] = {a + (done + i) * a_panel,
                                                 b + (done + i) * kPanel * kPanel};
      product.add = done > 0;
      multiply(product);
    }
  }
};

}  // namespace

/// Block by block: its matrices never leave the core's cache.
void WinogradConv::run_in_cache(const Maps& maps) const {
  const std::int64_t rows = images_in_cache();
  const std::int64_t in_stride = matrix_stride(maps.in.channels, rows);
  const std::int64_t out_stride = matrix_stride(maps.out.channels, rows);
  const std::int64_t weights_stride = matrix_stride(maps.in.channels, maps.out.channels);
  for_each_block(0, shape_.batch, rows, [&](Block block) {
    const Matrices inputs{
        thread_memory(static_cast<std::size_t>(frequencies() * (in_stride + out_stride))), rows,
        in_stride};
    const Matrices products{inputs.data + frequencies() * in_stride, rows, out_stride};
    block.row = 0;
    read_inputs(block, maps.in, maps.x, inputs);
    for (std::int64_t f = 0; f < frequencies(); ++f)
      FrequencyProduct{
          inputs.at(f, 0),   rows * kPanel, maps.in.channels, maps.packed + f * weights_stride,
          products.at(f, 0), rows * kPanel, block.images,     maps.out.panels()}
          .run();
    write_outputs(block, maps, products);
  });
}

/// Chunk by chunk, all threads together: every frequency's weights are read once for a chunk.
void WinogradConv::run_in_phases(const Maps& maps, float* scratch) const {
  const std::int64_t chunks = pieces_of(shape_.batch, images_at_once());
  const std::int64_t weights_stride = matrix_stride(maps.in.channels, maps.out.channels);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::int64_t first = piece_begin(shape_.batch, chunks, chunk);
    const std::int64_t images = piece_begin(shape_.batch, chunks, chunk + 1) - first;
    const std::int64_t rows = tiles() * images;
    const Matrices inputs{scratch, rows, matrix_stride(maps.in.channels, rows)};
    const Matrices products{scratch + frequencies() * inputs.stride, rows,
                            matrix_stride(maps.out.channels, rows)};
    for_each_block(first, images, kImages,
                   [&](const Block& block) { read_inputs(block, maps.in, maps.x, inputs); });
    const std::int64_t groups = pieces_of(maps.out.panels(), kGroupPanels);
    const std::int64_t parts = pieces_of(rows, kProductRows);
    parallel_for(frequencies() * groups * parts, [&](std::int64_t task) {
      const std::int64_t row = piece_begin(rows, parts, task % parts);
      const std::int64_t panel = task / parts % groups * kGroupPanels;
      const std::int64_t f = task / parts / groups;
      FrequencyProduct{inputs.at(f, 0, row),
                       rows * kPanel,
                       maps.in.channels,
                       maps.packed + f * weights_stride + panel * maps.in.channels * kPanel,
                       products.at(f, panel, row),
                       rows * kPanel,
                       piece_begin(rows, parts, task % parts + 1) - row,
                       std::min(kGroupPanels, maps.out.panels() - panel)}
          .run();
    });
    for_each_block(first, images, kImages,
                   [&](const Block& block) { write_outputs(block, maps, products); });
  }
}

// ---- the gradient of the weights ----

namespace {

/// sums [in panel][Cout][16] (+)= outputs^T x inputs, of one frequency and some input panels.
struct GradientProduct {
  const float* gradients;  ///< panel 0
  const float* inputs;     ///< of the first input panel
  std::int64_t panel;      ///< floats of a panel of either
  std::int64_t rows;
  std::int64_t out_channels;
  std::int64_t in_panels;
  float* sums;
  bool add;

  void run() const {
    const Segment segment{gradients, inputs};
    Product product;
    product.segment = &segment;
    product.segments = 1;
    product.depth = rows;
    product.a_row = 1;
    product.a_step = kPanel;
    product.b_panel = panel;
    product.c_panel = out_channels * kPanel;
    product.rows = kPanel;
    product.panels = in_panels;
    product.add = add;
    for (std::int64_t o = 0; o < out_channels / kPanel; ++o) {
      product.a_offset = o * panel;
      product.c = sums + o * kPanel * kPanel;
      multiply(product);
    }
  }
};

}  // namespace

void WinogradConv::weight_gradient(const float* x, const float* dy, float* dw,
                                   float* scratch) const {
  if (slices() > 0) {
    add_gradients_in_cache(x, dy, scratch);
  } else {
    add_gradients_in_phases(x, dy, scratch, scratch + packed_size());
  }
  const std::int64_t parts = std::max<std::int64_t>(1, slices());
  constexpr std::int64_t kBlocks = 4;
  parallel_for(shape_.in_channels / kPanel * kBlocks, [&](std::int64_t task) {
    const std::int64_t panel = task / kBlocks;
    const std::int64_t first = piece_begin(shape_.out_channels, kBlocks, task % kBlocks);
    const std::int64_t lines =
        piece_begin(shape_.out_channels, kBlocks, task % kBlocks + 1) - first;
    const std::int64_t offset = (panel * shape_.out_channels + first) * kPanel;
    const std::int64_t stride = matrix_stride(shape_.in_channels, shape_.out_channels);
    for (std::int64_t part = 1; part < parts; ++part) {
      for (std::int64_t f = 0; f < frequencies(); ++f) {
        float* sum = scratch + f * stride + offset;
        const float* more = sum + part * packed_size();
        for (std::int64_t i = 0; i < lines * kPanel; ++i) sum[i] += more[i];
      }
    }
    weights_from_frequencies(scheme_,
                             {.taps = dw + first * kTaps * shape_.in_channels + panel * kPanel,
                              .tap_stride = shape_.in_channels,
                              .line_stride = kTaps * shape_.in_channels,
                              .matrix = scratch + offset,
                              .matrix_stride = stride,
                              .lines = lines});
  });
}

/// Slices of the batch, each with sums of its own, block by block in cache.
void WinogradConv::add_gradients_in_cache(const float* x, const float* dy, float* sums) const {
  const PanelMap in = shape_.in_map();
  const PanelMap out = shape_.out_map();
  const std::int64_t rows = kImages;
  const std::int64_t in_stride = matrix_stride(in.channels, rows);
  const std::int64_t out_stride = matrix_stride(out.channels, rows);
  const std::int64_t sums_stride = matrix_stride(in.channels, out.channels);
  parallel_for(slices(), [&](std::int64_t slice) {
    const Matrices inputs{
        thread_memory(static_cast<std::size_t>(frequencies() * (in_stride + out_stride))), rows,
        in_stride};
    const Matrices gradients{inputs.data + frequencies() * in_stride, rows, out_stride};
    float* mine = sums + slice * packed_size();
    const std::int64_t first = piece_begin(shape_.batch, slices(), slice);
    const std::int64_t images = piece_begin(shape_.batch, slices(), slice + 1) - first;
    const std::int64_t parts = pieces_of(images, rows);
    const std::int64_t tiles_at_once = std::max<std::int64_t>(1, rows / pieces_of(images, parts));
    bool add = false;
    for (std::int64_t part = 0; part < parts; ++part) {
      Block block{0, first + piece_begin(images, parts, part), 0, 0};
      block.images = first + piece_begin(images, parts, part + 1) - block.image;
      for (std::int64_t tile = 0; tile < tiles(); tile += tiles_at_once, add = true) {
        const std::int64_t end = std::min(tile + tiles_at_once, tiles());
        for (block.tile = tile, block.row = 0; block.tile < end;
             ++block.tile, block.row += block.images) {
          read_inputs(block, in, x, inputs);
          read_gradients(block, out, dy, gradients);
        }
        for (std::int64_t f = 0; f < frequencies(); ++f)
          GradientProduct{gradients.at(f, 0), inputs.at(f, 0), rows * kPanel,          block.row,
                          out.channels,       in.panels(),     mine + f * sums_stride, add}
              .run();
      }
    }
  });
}

/// Chunks of the batch, all threads together.
void WinogradConv::add_gradients_in_phases(const float* x, const float* dy, float* sums,
                                           float* scratch) const {
  const PanelMap in = shape_.in_map();
  const PanelMap out = shape_.out_map();
  const std::int64_t chunks = pieces_of(shape_.batch, images_at_once());
  const std::int64_t sums_stride = matrix_stride(in.channels, out.channels);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::int64_t first = piece_begin(shape_.batch, chunks, chunk);
    const std::int64_t images = piece_begin(shape_.batch, chunks, chunk + 1) - first;
    const std::int64_t rows = tiles() * images;
    const Matrices inputs{scratch, rows, matrix_stride(in.channels, rows)};
    const Matrices gradients{scratch + frequencies() * inputs.stride, rows,
                             matrix_stride(out.channels, rows)};
    for_each_block(first, images, kImages, [&](const Block& block) {
      read_inputs(block, in, x, inputs);
      read_gradients(block, out, dy, gradients);
    });
    const std::int64_t groups = pieces_of(in.panels(), kGroupPanels);
    parallel_for(frequencies() * groups, [&](std::int64_t task) {
      const std::int64_t panel = task % groups * kGroupPanels;
      const std::int64_t f = task / groups;
      GradientProduct{gradients.at(f, 0),
                      inputs.at(f, panel),
                      rows * kPanel,
                      rows,
                      out.channels,
                      std::min(kGroupPanels, in.panels() - panel),
                      sums + f * sums_stride + panel * out.channels * kPanel,
                      chunk > 0}
          .run();
    });
  }
}

}  // namespace simclr
