#pragma once

#include <cstdint>
#include <memory>

namespace simclr {

/// f32 [rows, columns] anywhere in memory, or its transpose.
struct MatrixView {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t row_stride = 0;     ///< floats
  std::int64_t column_stride = 1;  ///< floats

  MatrixView transposed() const { return {data, columns, rows, column_stride, row_stride}; }
};

/// A dense matrix, row by row.
inline MatrixView row_major(const float* data, std::int64_t rows, std::int64_t columns) {
  return {data, rows, columns, columns, 1};
}

/// The matrix as the right side of products wants it: [columns / 16][rows][16], the last panel
/// filled up with zeros.
std::unique_ptr<float[]> pack_panels(const MatrixView& matrix);

/// c [a.rows, b.columns] = a x b (+ bias [b.columns]), row by row. The same bits for any number of
/// threads.
/// @param bias  or null
void multiply_matrices(const MatrixView& a, const MatrixView& b, const float* bias, float* c);

}  // namespace simclr
