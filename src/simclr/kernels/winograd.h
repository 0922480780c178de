#pragma once

#include <cstdint>

#include "simclr/kernels/conv_shape.h"
#include "simclr/kernels/epilogue.h"

namespace simclr {

/// How a 3x3 convolution saves multiplications: tiles of 2x2 or 4x4 outputs, maps of 2x2 as a
/// whole, or, with stride 2, tiles of 4x4 outputs (and the way back from them, which is a scheme of
/// its own).
enum class WinogradScheme { kF2, kF4, kMap2, kF4Stride2, kF4Stride2Back };

/// 3x3 convolution by Winograd's minimal filtering (Lavin & Gray 2016, arXiv:1509.09308): tiles of
/// the input go to `frequencies()` matrices, products over channels are made there, and come back.
/// Maps of any size: tiles that hang over the edge read zeros and write nothing there.
///
/// Errors (rms, relative to f64): kF2 and kMap2 below 1e-6, the others below 1e-5. The same bits
/// for any number of threads.
class WinogradConv {
 public:
  /// @param shape  kernel 3; stride 2 for kF4Stride2, else 1; a map of 2x2 for kMap2
  WinogradConv(const ConvShape& shape, WinogradScheme scheme);

  const ConvShape& shape() const { return shape_; }
  std::int64_t frequencies() const;
  std::int64_t packed_size() const;   ///< floats of transformed weights
  std::int64_t scratch_size() const;  ///< floats, of each pass
  /// Multiplications and additions of a pass's products, without the transforms.
  double product_operations() const;

  /// @param weights  [Cout, 3, 3, Cin]
  void pack_forward(const float* weights, float* packed) const;
  void pack_backward(const float* weights, float* packed) const;

  void forward(const ConvInput& x, const float* packed, float* y, float* scratch,
               const Epilogue& epilogue = nullptr) const;
  std::int64_t output_tasks() const;  ///< that forward's epilogue hears of
  std::int64_t input_tasks() const { return output_tasks(); }
  /// @param add  to what dx holds
  void input_gradient(const float* dy, const float* packed, float* dx, bool add, float* scratch,
                      const Epilogue& epilogue = nullptr) const;
  /// @param dw  [Cout, 3, 3, Cin], written
  void weight_gradient(const ConvInput& x, const float* dy, float* dw, float* scratch) const;

 private:
  struct Block;
  struct Square;
  struct Matrices;
  struct Maps;

  std::int64_t tiles() const { return tiles_y_ * tiles_x_; }
  std::int64_t images_at_once() const;
  std::int64_t images_in_cache() const;
  std::int64_t slices() const;
  std::int64_t weight_matrices() const;
  std::int64_t weights_of(std::int64_t frequency) const;
  bool begins_weights(std::int64_t frequency) const;
  template <class Float>
  void locate(const Block& block, const PanelMap& map, const Square& square, Float* base,
              Float* outside, Float** pixel) const;
  template <class Body>
  void for_each_block(std::int64_t first, std::int64_t images, std::int64_t at_most,
                      const Body& body) const;
  std::int64_t blocks_of(std::int64_t images, std::int64_t at_most) const;
  void read_inputs(const Block& block, const PanelMap& map, const ConvInput& x,
                   WinogradScheme scheme, const Matrices& to) const;
  void read_gradients(const Block& block, const PanelMap& map, const float* dy,
                      const Matrices& to) const;
  void write_outputs(const Block& block, const Maps& maps, const Matrices& from) const;
  void run(const Maps& maps, float* scratch) const;
  void run_in_cache(const Maps& maps) const;
  void run_in_phases(const Maps& maps, float* scratch) const;
  void add_gradients_in_cache(const ConvInput& x, const float* dy, float* sums) const;
  void add_gradients_in_phases(const ConvInput& x, const float* dy, float* sums,
                               float* scratch) const;

  ConvShape shape_;
  WinogradScheme scheme_;
  std::int64_t tiles_y_;
  std::int64_t tiles_x_;
};

}  // namespace simclr
