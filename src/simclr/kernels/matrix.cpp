#include "simclr/kernels/matrix.h"

#include <algorithm>
#include <cassert>

#include "simclr/core/parallel.h"
#include "simclr/kernels/gemm.h"
#include "simclr/kernels/transpose.h"

namespace simclr {
namespace {

constexpr std::int64_t kRows = 64;        ///< of a task
constexpr std::int64_t kGroupPanels = 8;  ///< likewise
constexpr std::int64_t kPackRows = 64;    ///< of a task that packs

}  // namespace

std::unique_ptr<float[]> pack_panels(const MatrixView& matrix) {
  const std::int64_t panels = pieces_of(matrix.columns, kPanel);
  const std::int64_t blocks = pieces_of(matrix.rows, kPackRows);
  auto packed = std::make_unique_for_overwrite<float[]>(
      static_cast<std::size_t>(panels * matrix.rows * kPanel));
  parallel_for(panels * blocks, [&](std::int64_t task) {
    const std::int64_t panel = task / blocks;
    const std::int64_t lanes = std::min<std::int64_t>(kPanel, matrix.columns - panel * kPanel);
    const std::int64_t end = std::min(task % blocks * kPackRows + kPackRows, matrix.rows);
    const float* from = matrix.data + panel * kPanel * matrix.column_stride;
    float* to = packed.get() + panel * matrix.rows * kPanel;
    std::int64_t row = task % blocks * kPackRows;
    if (matrix.row_stride == 1 && lanes == kPanel)
      for (; row + kPanel <= end; row += kPanel)
        turn_panel(from + row, matrix.column_stride, to + row * kPanel);
    for (; row < end; ++row) {
      for (std::int64_t lane = 0; lane < lanes; ++lane)
        to[row * kPanel + lane] = from[row * matrix.row_stride + lane * matrix.column_stride];
      std::fill_n(to + row * kPanel + lanes, kPanel - lanes, 0.0F);
    }
  });
  return packed;
}

void multiply_matrices(const MatrixView& a, const MatrixView& b, const float* bias, float* c) {
  assert(a.columns == b.rows);
  const auto right = pack_panels(b);
  const std::int64_t panels = pieces_of(b.columns, kPanel);
  const std::int64_t groups = pieces_of(panels, kGroupPanels);
  const std::int64_t blocks = pieces_of(a.rows, kRows);
  parallel_for(blocks * groups, [&](std::int64_t task) {
    const std::int64_t first = piece_begin(a.rows, blocks, task / groups);
    const std::int64_t panel = task % groups * kGroupPanels;
    const auto sums = std::make_unique_for_overwrite<float[]>(
        static_cast<std::size_t>(kGroupPanels * kRows * kPanel));
    const Segment segment{a.data + first * a.row_stride, right.get() + panel * b.rows * kPanel};
    Product product;
    product.segment = &segment;
    product.segments = 1;
    product.depth = a.columns;
    product.a_row = a.row_stride;
    product.a_step = a.column_stride;
    product.b_panel = b.rows * kPanel;
    product.c = sums.get();
    product.c_panel = kRows * kPanel;
    product.rows = piece_begin(a.rows, blocks, task / groups + 1) - first;
    product.panels = std::min(kGroupPanels, panels - panel);
    multiply(product);
    const std::int64_t columns = std::min(product.panels * kPanel, b.columns - panel * kPanel);
    for (std::int64_t row = 0; row < product.rows; ++row) {
      float* to = c + (first + row) * b.columns + panel * kPanel;
      for (std::int64_t i = 0; i < columns; ++i)
        to[i] = sums[static_cast<std::size_t>((i / kPanel * kRows + row) * kPanel + i % kPanel)] +
                (bias == nullptr ? 0.0F : bias[panel * kPanel + i]);
    }
  });
}

}  // namespace simclr
