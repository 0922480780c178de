#include "simclr/formats/onnx_nodes.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "simclr/core/error.h"

namespace simclr {
namespace {

using Names = std::vector<std::string>;
using Attributes = std::map<std::string, OnnxAttribute>;

std::string add_node(OnnxGraph& graph, const std::string& op, Names inputs,
                     Attributes attributes = {}) {
  std::string output;
  for (const char letter : op) {
    const bool capital = letter >= 'A' && letter <= 'Z';
    if (capital && !output.empty()) output += '_';
    output += capital ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  output += fmt::format("_{}", graph.nodes.size());
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
  graph.nodes.push_back({op, std::move(inputs), {output}, std::move(attributes)});
  return output;
}

Attributes window_attributes(const OnnxWindow& window) {
  const std::vector<std::int64_t> padding(4, window.padding);  // top, left, bottom, right
  return {{"kernel_shape", std::vector<std::int64_t>(2, window.kernel)},
          {"pads", padding},
          {"strides", std::vector<std::int64_t>(2, window.stride)}};
}

}  // namespace

std::string onnx_constant(OnnxGraph& graph, const std::string& name,
                          const std::vector<std::int64_t>& shape, std::vector<float> values) {
  const auto kept = std::make_shared<const std::vector<float>>(std::move(values));
  const TensorEntry tensor{"F32", shape, kept->data(), kept->size() * sizeof(float)};
  if (!graph.initializers.emplace(name, OnnxInitializer{tensor, kept}).second)
    throw Error(ExitCode::kFailed, fmt::format("an ONNX graph has two tensors '{}'", name));
  return name;
}

std::string onnx_conv(OnnxGraph& graph, const std::string& x, const std::string& weight,
                      const std::string& bias, const OnnxWindow& window) {
  return add_node(graph, "Conv", {x, weight, bias}, window_attributes(window));
}

std::string onnx_batch_normalization(OnnxGraph& graph, const std::string& x, const OnnxNorm& norm) {
  return add_node(graph, "BatchNormalization", {x, norm.scale, norm.bias, norm.mean, norm.variance},
                  {{"epsilon", norm.epsilon}});
}

std::string onnx_relu(OnnxGraph& graph, const std::string& x) {
  return add_node(graph, "Relu", {x});
}

std::string onnx_max_pool(OnnxGraph& graph, const std::string& x, const OnnxWindow& window) {
  return add_node(graph, "MaxPool", {x}, window_attributes(window));
}

std::string onnx_global_average_pool(OnnxGraph& graph, const std::string& x) {
  return add_node(graph, "GlobalAveragePool", {x});
}

std::string onnx_flatten(OnnxGraph& graph, const std::string& x) {
  return add_node(graph, "Flatten", {x});
}

std::string onnx_gemm(OnnxGraph& graph, const std::string& x, const std::string& weight,
                      const std::string& bias) {
  return add_node(graph, "Gemm", {x, weight, bias}, {{"transB", std::int64_t{1}}});
}

std::string onnx_add(OnnxGraph& graph, const std::string& x, const std::string& y) {
  return add_node(graph, "Add", {x, y});
}

std::string onnx_sub(OnnxGraph& graph, const std::string& x, const std::string& y) {
  return add_node(graph, "Sub", {x, y});
}

std::string onnx_mul(OnnxGraph& graph, const std::string& x, const std::string& y) {
  return add_node(graph, "Mul", {x, y});
}

std::string onnx_div(OnnxGraph& graph, const std::string& x, const std::string& y) {
  return add_node(graph, "Div", {x, y});
}

std::string onnx_cast(OnnxGraph& graph, const std::string& x, const std::string& dtype) {
  return add_node(graph, "Cast", {x}, {{"to", onnx_dtype(dtype)}});
}

std::string onnx_transpose(OnnxGraph& graph, const std::string& x,
                           const std::vector<std::int64_t>& order) {
  return add_node(graph, "Transpose", {x}, {{"perm", order}});
}

}  // namespace simclr
