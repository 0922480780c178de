#include "simclr/model/resnet.h"

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "simclr/core/error.h"

namespace simclr {
namespace {

using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;
using torch::nn::Sequential;

constexpr std::int64_t kBottleneckExpansion = 4;
constexpr std::array kWidths{0.25, 0.5, 1.0, 2.0, 4.0};

struct ConvShape {
  std::int64_t in;
  std::int64_t out;
  std::int64_t kernel;
  std::int64_t stride;
};

Conv2d make_conv(const ConvShape& shape) {
  return Conv2d(Conv2dOptions(shape.in, shape.out, shape.kernel)
                    .stride(shape.stride)
                    .padding(shape.kernel / 2)
                    .bias(false));
}

/// The convolution of x. On a map of one value a 3x3 kernel meets it with its centre alone, which
/// is all that is used: oneDNN leaves the other taps' bf16 gradients unwritten where such a kernel
/// strides (PyTorch 2.13), and the weights would take whatever was in memory.
at::Tensor convolve(Conv2d& conv, const at::Tensor& x) {
  const bool centre_only = x.size(2) == 1 && x.size(3) == 1 && conv->weight.size(2) == 3 &&
                           conv->options.stride()->at(0) > 1;
  if (!centre_only) return conv(x);
  return at::conv2d(x, conv->weight.slice(2, 1, 2).slice(3, 1, 2));
}

/// Convolutions in a row, each with batch norm, and a shortcut around them. The shortcut is a 1x1
/// convolution where the shape changes.
class ResidualBlockImpl : public torch::nn::Module {
 public:
  explicit ResidualBlockImpl(const std::vector<ConvShape>& path) {
    std::int64_t stride = 1;
    for (const ConvShape& shape : path) {
      const std::size_t number = convs_.size() + 1;
      convs_.emplace_back(register_module(fmt::format("conv{}", number), make_conv(shape)));
      norms_.emplace_back(register_module(fmt::format("bn{}", number), BatchNorm2d(shape.out)));
      stride *= shape.stride;
    }
    const ConvShape shortcut{path.front().in, path.back().out, 1, stride};
    if (shortcut.in == shortcut.out && stride == 1) return;
    downsample_ =
        register_module("downsample", Sequential(make_conv(shortcut), BatchNorm2d(shortcut.out)));
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = norms_[0](convolve(convs_[0], x));
    for (std::size_t i = 1; i < convs_.size(); ++i) {
      y = norms_[i](convolve(convs_[i], at::relu_(y)));
    }
    y += downsample_ ? downsample_->forward(x) : x;
    return at::relu_(y);
  }

 private:
  std::vector<Conv2d> convs_;
  std::vector<BatchNorm2d> norms_;
  Sequential downsample_{nullptr};
};
TORCH_MODULE(ResidualBlock);

ResidualBlock basic_block(std::int64_t in, std::int64_t planes, std::int64_t stride) {
  return ResidualBlock(std::vector<ConvShape>{{in, planes, 3, stride}, {planes, planes, 3, 1}});
}

ResidualBlock bottleneck(std::int64_t in, std::int64_t planes, std::int64_t stride) {
  return ResidualBlock(std::vector<ConvShape>{{in, planes, 1, 1},
                                              {planes, planes, 3, stride},
                                              {planes, planes * kBottleneckExpansion, 1, 1}});
}

std::int64_t stem_channels(double width) {
  if (std::find(kWidths.begin(), kWidths.end(), width) == kWidths.end()) {
    throw Error(ExitCode::kUsage, fmt::format("model.width is {}", width),
                "It must be 0.25, 0.5, 1, 2 or 4.");
  }
  return static_cast<std::int64_t>(64 * width);
}

std::array<std::int64_t, 4> blocks_per_stage(Arch arch) {
  if (arch == Arch::kResNet18) return {2, 2, 2, 2};
  return {3, 4, 6, 3};
}

}  // namespace

ResNetImpl::ResNetImpl(const ModelSettings& settings)
    : stem_(settings.stem), width_(stem_channels(settings.width)) {
  const std::int64_t planes = width_;
  const std::array<std::int64_t, 4> blocks = blocks_per_stage(settings.arch);
  const ConvShape stem =
      stem_ == Stem::kImageNet ? ConvShape{3, planes, 7, 2} : ConvShape{3, planes, 3, 1};
  conv1_ = register_module("conv1", make_conv(stem));
  bn1_ = register_module("bn1", BatchNorm2d(planes));
  layer1_ = register_module("layer1", make_stage(settings.arch, planes, blocks[0], 1));
  layer2_ = register_module("layer2", make_stage(settings.arch, 2 * planes, blocks[1], 2));
  layer3_ = register_module("layer3", make_stage(settings.arch, 4 * planes, blocks[2], 2));
  layer4_ = register_module("layer4", make_stage(settings.arch, 8 * planes, blocks[3], 2));
}

Sequential ResNetImpl::make_stage(Arch arch, std::int64_t planes, std::int64_t blocks,
                                  std::int64_t stride) {
  const bool deep = arch == Arch::kResNet50;
  Sequential stage;
  for (std::int64_t i = 0; i < blocks; ++i) {
    const std::int64_t block_stride = i == 0 ? stride : 1;
    stage->push_back(deep ? bottleneck(width_, planes, block_stride)
                          : basic_block(width_, planes, block_stride));
    width_ = deep ? planes * kBottleneckExpansion : planes;
  }
  return stage;
}

at::Tensor ResNetImpl::forward(at::Tensor x) {
  x = bn1_(conv1_(x.contiguous(at::MemoryFormat::ChannelsLast)));
  at::relu_(x);
  if (stem_ == Stem::kImageNet) x = at::max_pool2d(x, 3, 2, 1);
  if (stem_ == Stem::kCifarPool) x = at::max_pool2d(x, 2, 2);
  x = layer4_->forward(layer3_->forward(layer2_->forward(layer1_->forward(x))));
  return at::adaptive_avg_pool2d(x, {1, 1}).flatten(1);  // [B, F]
}

}  // namespace simclr
