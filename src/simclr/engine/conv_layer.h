#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "simclr/kernels/direct_conv.h"
#include "simclr/kernels/winograd.h"

namespace simclr {

/// How a convolution is computed.
enum class ConvAlgorithm { kDirect, kF2, kF4, kMap2, kF4Stride2 };

struct NamedAlgorithm {
  ConvAlgorithm algorithm;
  const char* name;
};
/// All of them, in their order.
inline constexpr std::array kConvAlgorithms{
    NamedAlgorithm{ConvAlgorithm::kDirect, "direct"}, NamedAlgorithm{ConvAlgorithm::kF2, "f2"},
    NamedAlgorithm{ConvAlgorithm::kF4, "f4"}, NamedAlgorithm{ConvAlgorithm::kMap2, "map2"},
    NamedAlgorithm{ConvAlgorithm::kF4Stride2, "f4s2"}};

/// A convolution by one algorithm or another, behind one interface. Each pass runs on the pool's
/// threads.
class ConvLayer {
 public:
  ConvLayer(const ConvShape& shape, ConvAlgorithm algorithm);

  const ConvShape& shape() const { return shape_; }
  ConvAlgorithm algorithm() const { return algorithm_; }
  std::int64_t packed_size() const;   ///< floats, for each direction; the same for any batch
  std::int64_t scratch_size() const;  ///< floats, of the pass that needs most

  /// @param weights  [Cout, kernel, kernel, Cin]
  void pack_forward(const float* weights, float* packed) const;
  void pack_backward(const float* weights, float* packed) const;
  /// Whether it can apply the norm before it as it reads.
  bool takes_norm() const { return std::holds_alternative<WinogradConv>(conv_); }
  void forward(const ConvInput& x, const float* packed, float* y, float* scratch,
               const Epilogue& epilogue = nullptr) const;
  std::int64_t output_tasks() const;  ///< that forward's epilogue hears of
  std::int64_t input_tasks() const;   ///< that input_gradient's hears of
  /// @param add  to what dx holds
  void input_gradient(const float* dy, const float* packed, float* dx, bool add, float* scratch,
                      const Epilogue& epilogue = nullptr) const;
  void weight_gradient(const ConvInput& x, const float* dy, float* dw, float* scratch) const;

  /// Multiplications and additions of one pass: that touch a pixel, and that are carried out.
  double useful_operations() const;
  double executed_operations() const;

 private:
  ConvShape shape_;
  ConvAlgorithm algorithm_;
  std::variant<DirectConv, WinogradConv> conv_;
};

}  // namespace simclr
