#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <cstdint>

#include "simclr/config/settings.h"

namespace simclr {

/// g of SimCLR as a Sequential, which names its parts by number ("0.weight", "1.running_mean"):
/// mlp-bn is Linear-BN-ReLU-Linear, mlp the same without BN, linear one Linear, none empty.
/// @param features  F, width of what goes in
torch::nn::Sequential make_projection_head(const ModelSettings& settings, std::int64_t features);

/// The head's output by the native engine's products: f32 on the CPU. Norms of a width that is no
/// multiple of 16 are LibTorch's.
at::Tensor native_head(torch::nn::SequentialImpl& head, at::Tensor x);

}  // namespace simclr
