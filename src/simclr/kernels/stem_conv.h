#pragma once

#include <cstdint>
#include <functional>

#include "simclr/kernels/epilogue.h"
#include "simclr/kernels/panels.h"

namespace simclr {

/// The first convolution: from pixels f32 [batch, side, side, 3], as the loader makes them, to a
/// map. Padding kernel / 2, no bias, no gradient of its input.
struct StemShape {
  std::int64_t out_channels = 0;
  std::int64_t kernel = 3;  ///< 3 or 7
  std::int64_t stride = 1;  ///< 1 or 2
  std::int64_t side = 0;
  std::int64_t batch = 0;

  std::int64_t out_side() const { return (side - 1) / stride + 1; }
  PanelMap out_map() const { return {out_channels, out_side(), out_side(), batch}; }
  std::int64_t depth() const { return kernel * kernel * 3; }  ///< terms of each sum
  std::int64_t weights() const { return out_channels * depth(); }
};

/// Writes a part of a map to memory, as part.map(channels). Called by several threads at once.
using PartReader = std::function<void(const MapPart& part, float* to)>;

/// Works on blocks of images, which it copies with a frame of zeros into scratch memory. The same
/// bits for any number of threads.
class StemConv {
 public:
  explicit StemConv(const StemShape& shape) : shape_(shape) {}

  const StemShape& shape() const { return shape_; }
  std::int64_t packed_size() const { return shape_.weights(); }
  std::int64_t scratch_size() const;  ///< floats, of weight_gradient

  /// @param weights  [Cout, kernel, kernel, 3]
  void pack(const float* weights, float* packed) const;
  void forward(const float* pixels, const float* packed, float* y,
               const Epilogue& epilogue = nullptr) const;
  std::int64_t output_tasks() const { return blocks(); }  ///< that an epilogue hears of
  /// @param dy  gives the gradient of the output, part by part
  /// @param dw  [Cout, kernel, kernel, 3], written
  void weight_gradient(const float* pixels, const PartReader& dy, float* dw, float* scratch) const;

 private:
  struct Span {
    std::int64_t begin;
    std::int64_t end;
  };
  Span taps_inside(std::int64_t output) const;
  std::int64_t framed_side() const;
  std::int64_t image_size() const;  ///< floats of an image with its frame
  std::int64_t images_at_once() const;
  std::int64_t blocks() const;
  void add_blocks(const float* sums, float* dw) const;
  void frame(const float* pixels, std::int64_t block, float* to) const;

  StemShape shape_;
};

}  // namespace simclr
