#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simclr/formats/onnx.h"

namespace simclr {

// Each function adds one node to the graph and returns the name of its output, "conv_0" for the
// graph's first node. A model whose last output should be called otherwise sets
// graph.nodes.back().outputs.

/// A square window of a convolution or a pool, in pixels.
struct OnnxWindow {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  ///< on each side
};

/// An initializer of f32 values that the graph keeps; returns its name. @throws Error(kFailed) if
/// the name is taken
std::string onnx_constant(OnnxGraph& graph, const std::string& name,
                          const std::vector<std::int64_t>& shape, std::vector<float> values);

/// x [N, C, H, W] with weight [O, C, k, k] and, unless "", bias [O].
std::string onnx_conv(OnnxGraph& graph, const std::string& x, const std::string& weight,
                      const std::string& bias, const OnnxWindow& window);

/// The four tensors of a batch norm, each [C], by their names.
struct OnnxNorm {
  std::string scale;
  std::string bias;
  std::string mean;
  std::string variance;
  float epsilon = 1e-5F;
};
std::string onnx_batch_normalization(OnnxGraph& graph, const std::string& x, const OnnxNorm& norm);

std::string onnx_relu(OnnxGraph& graph, const std::string& x);
std::string onnx_max_pool(OnnxGraph& graph, const std::string& x, const OnnxWindow& window);

/// [N, C, H, W] to [N, C, 1, 1].
std::string onnx_global_average_pool(OnnxGraph& graph, const std::string& x);

/// [N, ...] to [N, the rest].
std::string onnx_flatten(OnnxGraph& graph, const std::string& x);

/// A linear layer: x [N, F] with weight [O, F] as PyTorch has it and, unless "", bias [O].
std::string onnx_gemm(OnnxGraph& graph, const std::string& x, const std::string& weight,
                      const std::string& bias);

// Element by element, with NumPy's broadcasting.
std::string onnx_add(OnnxGraph& graph, const std::string& x, const std::string& y);
std::string onnx_sub(OnnxGraph& graph, const std::string& x, const std::string& y);
std::string onnx_mul(OnnxGraph& graph, const std::string& x, const std::string& y);
std::string onnx_div(OnnxGraph& graph, const std::string& x, const std::string& y);

/// @param dtype  a TensorEntry's: "F32"
std::string onnx_cast(OnnxGraph& graph, const std::string& x, const std::string& dtype);

/// @param order  the input's axes as the output has them: {0, 3, 1, 2} makes NCHW of NHWC
std::string onnx_transpose(OnnxGraph& graph, const std::string& x,
                           const std::vector<std::int64_t>& order);

}  // namespace simclr
