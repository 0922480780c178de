#include "simclr/weights/onnx_encoder.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <memory>

#include "simclr/augment/presets.h"
#include "simclr/formats/onnx_nodes.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr double kEpsilon = 1e-5;  // of every batch norm, as PyTorch's default

/// Builds the graph, node behind node; each function takes and returns names of values.
class Builder {
 public:
  Builder(const EncoderState& state, const OnnxEncoderOptions& options)
      : state_(state), options_(options) {}

  OnnxGraph build() {
    graph_.name = "encoder";
    std::string x = stem(input());
    for (int stage = 1; stage <= 4; ++stage) {
      for (int block = 0; has(fmt::format("layer{}.{}.conv1.weight", stage, block)); ++block)
        x = residual(x, fmt::format("layer{}.{}", stage, block), stage > 1 && block == 0 ? 2 : 1);
    }
    x = onnx_flatten(graph_, onnx_global_average_pool(graph_, x));
    if (has("fc.weight")) {
      output(onnx_gemm(graph_, x, tensor("fc.weight"), tensor("fc.bias")), "scores",
             size("fc.weight"));
    } else {
      x = output(x, "features", features());
    }
    if (has("head.0.weight")) add_head(x);
    return std::move(graph_);
  }

 private:
  bool has(const std::string& name) const { return state_.contains(name); }
  std::int64_t size(const std::string& name) const { return state_.at(name).size(0); }

  /// Channels of the last stage: those of its last norm.
  std::int64_t features() const {
    std::int64_t width = 0;
    for (const auto& [name, values] : state_)
      if (name.starts_with("layer4.") && name.ends_with(".bias"))
        width = std::max(width, values.size(0));
    return width;
  }

  std::string input() {
    const OnnxDimension side = options_.image_size > 0 ? OnnxDimension(options_.image_size)
                                                       : OnnxDimension(std::string("side"));
    if (!options_.pixels) {
      graph_.inputs = {{"images", "F32", {"batch", std::int64_t{3}, side, side}}};
      return "images";
    }
    graph_.inputs = {{"pixels", "U8", {"batch", side, side, std::int64_t{3}}}};
    const ChannelStatistics statistics = channel_statistics(options_.normalization);
    std::vector<float> scale;  // (x / 255 - mean) / deviation, in one product and one sum
    std::vector<float> shift;
    for (std::size_t c = 0; c < 3; ++c) {
      scale.push_back(1.0F / (255.0F * statistics.deviation.at(c)));
      shift.push_back(-statistics.mean.at(c) / statistics.deviation.at(c));
    }
    std::string x = onnx_cast(graph_, "pixels", "F32");
    x = onnx_mul(graph_, x, onnx_constant(graph_, "pixel_scale", {3}, scale));
    x = onnx_add(graph_, x, onnx_constant(graph_, "pixel_shift", {3}, shift));
    return onnx_transpose(graph_, x, {0, 3, 1, 2});
  }

  std::string stem(const std::string& images) {
    const bool large = options_.stem == Stem::kImageNet;
    std::string x = onnx_relu(graph_, conv_norm(images, "conv1", "bn1", large ? 2 : 1));
    if (large) x = onnx_max_pool(graph_, x, {.kernel = 3, .stride = 2, .padding = 1});
    if (options_.stem == Stem::kCifarPool)
      x = onnx_max_pool(graph_, x, {.kernel = 2, .stride = 2, .padding = 0});
    return x;
  }

  /// Of a bottleneck the 3x3 convolution strides, as torchvision has it.
  std::string residual(const std::string& x, const std::string& block, std::int64_t stride) {
    const bool bottleneck = has(block + ".conv3.weight");
    std::string y = x;
    for (int i = 1; i <= (bottleneck ? 3 : 2); ++i) {
      if (i > 1) y = onnx_relu(graph_, y);
      y = conv_norm(y, fmt::format("{}.conv{}", block, i), fmt::format("{}.bn{}", block, i),
                    i == (bottleneck ? 2 : 1) ? stride : 1);
    }
    const bool plain = !has(block + ".downsample.0.weight");
    const std::string around =
        plain ? x : conv_norm(x, block + ".downsample.0", block + ".downsample.1", stride);
    return onnx_relu(graph_, onnx_add(graph_, y, around));
  }

  std::string conv_norm(const std::string& x, const std::string& conv, const std::string& norm,
                        std::int64_t stride) {
    const at::Tensor& weight = state_.at(conv + ".weight");
    const OnnxWindow window{weight.size(2), stride, weight.size(2) / 2};
    if (!options_.fold_norms)
      return batch_norm(onnx_conv(graph_, x, tensor(conv + ".weight"), "", window), norm);
    const at::Tensor scale = (state_.at(norm + ".weight").to(at::kDouble) /
                              (state_.at(norm + ".running_var").to(at::kDouble) + kEpsilon).sqrt());
    const at::Tensor bias = state_.at(norm + ".bias").to(at::kDouble) -
                            state_.at(norm + ".running_mean").to(at::kDouble) * scale;
    const at::Tensor folded = weight.to(at::kDouble) * scale.view({-1, 1, 1, 1});
    return onnx_conv(graph_, x, own(conv + ".weight", folded), own(conv + ".bias", bias), window);
  }

  std::string batch_norm(const std::string& x, const std::string& norm) {
    return onnx_batch_normalization(graph_, x,
                                    {.scale = tensor(norm + ".weight"),
                                     .bias = tensor(norm + ".bias"),
                                     .mean = tensor(norm + ".running_mean"),
                                     .variance = tensor(norm + ".running_var"),
                                     .epsilon = static_cast<float>(kEpsilon)});
  }

  /// Linear, or Linear, norm (if any), relu, Linear: parts by their numbers in a Sequential.
  void add_head(const std::string& features) {
    std::string x = features;
    std::string last;
    for (int part = 0; part < 4; ++part) {
      const std::string name = fmt::format("head.{}", part);
      if (has(name + ".running_mean")) x = batch_norm(x, name);
      if (has(name + ".running_mean") || !has(name + ".weight")) continue;
      if (!last.empty()) x = onnx_relu(graph_, x);
      x = onnx_gemm(graph_, x, tensor(name + ".weight"), tensor(name + ".bias"));
      last = name;
    }
    output(x, "projections", size(last + ".weight"));
  }

  /// The last node's value gets this name and is an output.
  std::string output(const std::string& /*x*/, const std::string& name, std::int64_t width) {
    graph_.nodes.back().outputs = {name};
    graph_.outputs.push_back({name, "F32", {"batch", width}});
    return name;
  }

  std::string tensor(const std::string& name) {
    graph_.initializers[name] = {to_entry(state_.at(name)), nullptr};
    return name;
  }

  std::string own(const std::string& name, const at::Tensor& values) {
    const auto kept = std::make_shared<const at::Tensor>(values.to(at::kFloat).contiguous());
    graph_.initializers[name] = {to_entry(*kept), kept};
    return name;
  }

  const EncoderState& state_;
  const OnnxEncoderOptions& options_;
  OnnxGraph graph_;
};

}  // namespace

OnnxGraph onnx_encoder(const EncoderState& state, const OnnxEncoderOptions& options) {
  return Builder(state, options).build();
}

}  // namespace simclr
