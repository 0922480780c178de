#include <algorithm>
#include <array>
#include <iterator>

#include "simclr/core/huge_memory.h"
#include "simclr/kernels/gemm.h"
#include "simclr/kernels/winograd_parts.h"
#include "simclr/kernels/winograd_rows.h"

namespace simclr {
namespace {

constexpr std::int64_t kProductRows = 256;  ///< in a task that multiplies

}  // namespace

void WinogradConv::forward(const ConvInput& x, const float* packed, float* y, float* scratch,
                           const Epilogue& epilogue) const {
  run({scheme_, shape_.in_map(), shape_.out_map(), x, packed, y, false,
       epilogue ? &epilogue : nullptr},
      scratch);
}

std::int64_t WinogradConv::output_tasks() const {
  if (images_in_cache() > 0) return blocks_of(shape_.batch, images_in_cache());
  return blocks_of(images_at_once(), kTileImages);  // the same for each chunk, one after the other
}

void WinogradConv::input_gradient(const float* dy, const float* packed, float* dx, bool add,
                                  float* scratch, const Epilogue& epilogue) const {
  run({back_of(scheme_), shape_.out_map(), shape_.in_map(), dy, packed, dx, add,
       epilogue ? &epilogue : nullptr},
      scratch);
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
  const float* next_b = nullptr;  ///< of the product that follows

  void run() const {
    std::array<Segment, 64> segments;
    Product product;
    product.segment = segments.data();
    product.b_panel = channels * kPanel;
    product.c = c;
    product.c_panel = c_panel;
    product.rows = rows;
    product.panels = panels;
    product.next_b = next_b;
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
    read_inputs(block, maps.in, maps.x, maps.scheme, inputs);
    for (std::int64_t f = 0; f < frequencies(); ++f) {
      const float* weights = maps.packed + weights_of(f) * weights_stride;
      const float* next = maps.packed + weights_of((f + 1) % frequencies()) * weights_stride;
      FrequencyProduct{inputs.at(f, 0), rows * kPanel,     maps.in.channels,
                       weights,         products.at(f, 0), rows * kPanel,
                       block.images,    maps.out.panels(), next}
          .run();
    }
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
    for_each_block(first, images, kTileImages, [&](const Block& block) {
      read_inputs(block, maps.in, maps.x, maps.scheme, inputs);
    });
    const std::int64_t groups = pieces_of(maps.out.panels(), kTileGroup);
    const std::int64_t parts = pieces_of(rows, kProductRows);
    parallel_for(frequencies() * groups * parts, [&](std::int64_t task) {
      const std::int64_t row = piece_begin(rows, parts, task % parts);
      const std::int64_t panel = task / parts % groups * kTileGroup;
      const std::int64_t f = task / parts / groups;
      FrequencyProduct{
          inputs.at(f, 0, row),
          rows * kPanel,
          maps.in.channels,
          maps.packed + weights_of(f) * weights_stride + panel * maps.in.channels * kPanel,
          products.at(f, panel, row),
          rows * kPanel,
          piece_begin(rows, parts, task % parts + 1) - row,
          std::min(kTileGroup, maps.out.panels() - panel)}
          .run();
    });
    for_each_block(first, images, kTileImages,
                   [&](const Block& block) { write_outputs(block, maps, products); });
  }
}

}  // namespace simclr
