#pragma once

#include <cstdint>
#include <vector>

#include "simclr/kernels/conv_shape.h"
#include "simclr/kernels/epilogue.h"
#include "simclr/kernels/gemm.h"

namespace simclr {

/// A position of one map and what a tap of the kernel brings to it.
struct Link {
  std::int64_t from;  ///< position in the other map
  std::int64_t tap;
};

/// The links of every position of a map, those of position p in [first[p], first[p + 1]).
/// Taps that fall outside the other map are not there, so they cost nothing.
struct LinkTable {
  std::vector<Link> links;
  std::vector<std::int64_t> first;
};

/// Convolution as products over the batch, exact but for rounding: no padding is multiplied, no
/// columns are copied. For every kernel, stride and size.
///
/// Weights go in as [Cout, kernel, kernel, Cin] and are packed once per update. All three passes
/// work on the pool's threads and give the same bits for any number of them.
class DirectConv {
 public:
  explicit DirectConv(const ConvShape& shape);

  const ConvShape& shape() const { return shape_; }
  std::int64_t packed_size() const { return shape_.weights(); }  ///< floats of each packing
  std::int64_t scratch_size() const;                             ///< floats, of weight_gradient

  void pack_forward(const float* weights, float* packed) const;
  void pack_backward(const float* weights, float* packed) const;

  /// @param x       in_map  @param packed  from pack_forward  @param y  out_map, written
  void forward(const float* x, const float* packed, float* y,
               const Epilogue& epilogue = nullptr) const;
  std::int64_t output_tasks() const;  ///< that forward's epilogue hears of
  std::int64_t input_tasks() const;   ///< that input_gradient's hears of
  /// @param dy  out_map  @param packed  from pack_backward  @param dx  in_map
  /// @param add  to what dx holds
  void input_gradient(const float* dy, const float* packed, float* dx, bool add,
                      const Epilogue& epilogue = nullptr) const;
  /// @param dw  [Cout, kernel, kernel, Cin], written; exactly 0 where a tap meets no pixel
  void weight_gradient(const float* x, const float* dy, float* dw, float* scratch) const;

 private:
  /// How a map is shared out among tasks, panels apart.
  struct Blocks {
    std::int64_t of_positions;
    std::int64_t of_images;
    std::int64_t tasks() const { return of_positions * of_images; }
  };
  void gather(const LinkTable& table, const PanelMap& from, const PanelMap& to, const float* a,
              const float* packed, float* c, bool add, const Epilogue& epilogue) const;
  static Blocks blocks_of(const PanelMap& to);
  struct GradientTask;
  void add_gradient(const GradientTask& task, const float* x, const float* dy) const;
  void unpack_gradient(const float* sums, std::int64_t parts, float* dw) const;
  std::int64_t live_rows() const;
  bool is_live_row(std::int64_t row) const;
  std::int64_t slices() const;

  ConvShape shape_;
  LinkTable outputs_;          ///< of output positions: what they read
  LinkTable inputs_;           ///< of input positions: what reads them
  std::vector<bool> is_live_;  ///< taps that meet a pixel anywhere
};

}  // namespace simclr
