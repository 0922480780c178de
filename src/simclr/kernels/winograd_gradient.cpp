#include <algorithm>

#include "simclr/core/huge_memory.h"
#include "simclr/kernels/gemm.h"
#include "simclr/kernels/winograd_parts.h"
#include "simclr/kernels/winograd_rows.h"

namespace simclr {

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

void WinogradConv::weight_gradient(const ConvInput& x, const float* dy, float* dw,
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
      for (std::int64_t f = 0; f < weight_matrices(); ++f) {
        float* sum = scratch + f * stride + offset;
        const float* more = sum + part * packed_size();
        for (std::int64_t i = 0; i < lines * kPanel; ++i) sum[i] += more[i];
      }
    }
    weights_from_frequencies(
        scheme_, {.taps = dw + first * kWinogradTaps * shape_.in_channels + panel * kPanel,
                  .tap_stride = shape_.in_channels,
                  .line_stride = kWinogradTaps * shape_.in_channels,
                  .matrix = scratch + offset,
                  .matrix_stride = stride,
                  .lines = lines});
  });
}

/// Slices of the batch, each with sums of its own, block by block in cache.
void WinogradConv::add_gradients_in_cache(const ConvInput& x, const float* dy, float* sums) const {
  const PanelMap in = shape_.in_map();
  const PanelMap out = shape_.out_map();
  const std::int64_t rows = kTileImages;
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
      Block block{0, first + piece_begin(images, parts, part), 0, 0, 0};
      block.images = first + piece_begin(images, parts, part + 1) - block.image;
      for (std::int64_t tile = 0; tile < tiles(); tile += tiles_at_once, add = true) {
        const std::int64_t end = std::min(tile + tiles_at_once, tiles());
        for (block.tile = tile, block.row = 0; block.tile < end;
             ++block.tile, block.row += block.images) {
          read_inputs(block, in, x, scheme_, inputs);
          read_gradients(block, out, dy, gradients);
        }
        for (std::int64_t f = 0; f < frequencies(); ++f)
          GradientProduct{gradients.at(f, 0),
                          inputs.at(f, 0),
                          rows * kPanel,
                          block.row,
                          out.channels,
                          in.panels(),
                          mine + weights_of(f) * sums_stride,
                          add || !begins_weights(f)}
              .run();
      }
    }
  });
}

/// Chunks of the batch, all threads together.
void WinogradConv::add_gradients_in_phases(const ConvInput& x, const float* dy, float* sums,
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
    for_each_block(first, images, kTileImages, [&](const Block& block) {
      read_inputs(block, in, x, scheme_, inputs);
      read_gradients(block, out, dy, gradients);
    });
    const std::int64_t groups = pieces_of(in.panels(), kTileGroup);
    parallel_for(weight_matrices() * groups, [&](std::int64_t task) {
      const std::int64_t panel = task % groups * kTileGroup;
      // From the last, which most frequencies may share: the longest task comes first.
      const std::int64_t matrix = weight_matrices() - 1 - task / groups;
      for (std::int64_t f = 0; f < frequencies(); ++f) {
        if (weights_of(f) != matrix) continue;
        GradientProduct{gradients.at(f, 0),
                        inputs.at(f, panel),
                        rows * kPanel,
                        rows,
                        out.channels,
                        std::min(kTileGroup, in.panels() - panel),
                        sums + matrix * sums_stride + panel * out.channels * kPanel,
                        chunk > 0 || !begins_weights(f)}
            .run();
      }
    });
  }
}

}  // namespace simclr
