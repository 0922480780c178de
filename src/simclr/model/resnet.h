#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>

#include "simclr/config/settings.h"

namespace simclr {

/// ResNet (He et al. 2016, arXiv:1512.03385) without its last layer: torchvision's names, shapes
/// and stride placement (the 3x3 of a bottleneck strides, "v1.5"). Every layer's channels scale
/// with the width, the stem's included.
class ResNetImpl : public torch::nn::Module {
 public:
  /// @throws Error(kUsage) for a width that is not 0.25, 0.5, 1, 2 or 4
  explicit ResNetImpl(const ModelSettings& settings);

  /// f32 [B, 3, S, S] -> [B, F], the mean over the last map; channels-last throughout
  at::Tensor forward(at::Tensor x);
  std::int64_t feature_width() const { return width_; }

 private:
  torch::nn::Sequential make_stage(Arch arch, std::int64_t planes, std::int64_t blocks,
                                   std::int64_t stride);

  Stem stem_;
  std::int64_t width_;  ///< channels of the last map made so far
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  torch::nn::Sequential layer1_{nullptr};
  torch::nn::Sequential layer2_{nullptr};
  torch::nn::Sequential layer3_{nullptr};
  torch::nn::Sequential layer4_{nullptr};
};
TORCH_MODULE(ResNet);

}  // namespace simclr
