#include <ATen/TensorOperators.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/weights/onnx_encoder.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

using Numbers = std::vector<std::int64_t>;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ExitCode::kData, fmt::format("the ONNX model cannot be run: {}", what),
              "Only models that this program exported are.");
}

template <class T>
T attribute(const OnnxNode& node, const std::string& name, T otherwise) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return otherwise;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) fail(fmt::format("'{}' of {} is of another kind", name, node.op));
  return *value;
}

/// Padding, equal at both ends of each axis.
Numbers padding_of(const OnnxNode& node) {
  const Numbers pads = attribute(node, "pads", Numbers(4, 0));
  if (pads.size() != 4 || pads[0] != pads[2] || pads[1] != pads[3]) fail("uneven padding");
  return {pads[0], pads[1]};
}

/// Values by their names, as far as they are computed.
class Run {
 public:
  Run(const OnnxGraph& graph, const std::map<std::string, at::Tensor>& inputs)
      : graph_(graph), values_(inputs) {}

  std::map<std::string, at::Tensor> outputs() {
    for (const auto& [name, initializer] : graph_.initializers)
      values_[name] = to_tensor(initializer.tensor);
    for (const OnnxNode& node : graph_.nodes) {
      if (node.outputs.size() != 1) fail(fmt::format("{} has more than one output", node.op));
      values_[node.outputs.front()] = computed(node);
    }
    std::map<std::string, at::Tensor> found;
    for (const OnnxValue& output : graph_.outputs) found[output.name] = value(output.name);
    return found;
  }

 private:
  const at::Tensor& value(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) fail(fmt::format("nothing gives '{}'", printable(name)));
    return found->second;
  }

  const at::Tensor& input(const OnnxNode& node, std::size_t at) const {
    if (at >= node.inputs.size()) fail(fmt::format("{} has too few inputs", node.op));
    return value(node.inputs[at]);
  }

  c10::optional<at::Tensor> bias_of(const OnnxNode& node) const {
    if (node.inputs.size() < 3) return c10::nullopt;
    return input(node, 2);
  }

  at::Tensor computed(const OnnxNode& node) const {
    const std::string& op = node.op;
    if (op == "Conv" || op == "MaxPool") return windowed(node);
    if (op == "Relu") return at::relu(input(node, 0));
    if (op == "Add") return input(node, 0) + input(node, 1);
    if (op == "Sub") return input(node, 0) - input(node, 1);
    if (op == "Mul") return input(node, 0) * input(node, 1);
    if (op == "Div") return input(node, 0) / input(node, 1);
    if (op == "Flatten") return input(node, 0).flatten(1);
    if (op == "GlobalAveragePool") return input(node, 0).mean({2, 3}, /*keepdim=*/true);
    if (op == "Cast") return cast(node);
    if (op == "Transpose") return input(node, 0).permute(attribute(node, "perm", Numbers{}));
    if (op == "BatchNormalization") {
      return at::batch_norm(input(node, 0), input(node, 1), input(node, 2), input(node, 3),
                            input(node, 4), false, 0.0, attribute(node, "epsilon", 1e-5F), false);
    }
    if (op == "Gemm") {
      if (attribute(node, "transB", std::int64_t{0}) != 1) fail("a Gemm that is no linear layer");
      return at::linear(input(node, 0), input(node, 1), bias_of(node));
    }
    fail(fmt::format("it has the operation '{}'", printable(op)));
  }

  at::Tensor windowed(const OnnxNode& node) const {
    const Numbers strides = attribute(node, "strides", Numbers{1, 1});
    const Numbers padding = padding_of(node);
    if (node.op == "Conv")
      return at::conv2d(input(node, 0), input(node, 1), bias_of(node), strides, padding);
    return at::max_pool2d(input(node, 0), attribute(node, "kernel_shape", Numbers{}), strides,
                          padding);
  }

  at::Tensor cast(const OnnxNode& node) const {
    if (attribute(node, "to", std::int64_t{0}) != onnx_dtype("F32")) fail("a Cast not to f32");
    return input(node, 0).to(at::kFloat);
  }

  const OnnxGraph& graph_;
  std::map<std::string, at::Tensor> values_;
};

}  // namespace

std::map<std::string, at::Tensor> run_onnx(const OnnxGraph& graph,
                                           const std::map<std::string, at::Tensor>& inputs) {
  const c10::NoGradGuard no_grad;
  return Run(graph, inputs).outputs();
}

}  // namespace simclr
