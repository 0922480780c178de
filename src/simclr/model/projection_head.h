#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <cstdint>

#include "simclr/config/settings.h"

namespace simclr {

/// g of SimCLR as a Sequential, which names its parts by number ("0.weight", "1.running_mean"):
/// mlp-bn is Linear-BN-ReLU-Linear, mlp the same without BN, linear one Linear, none empty.
/// @param features  F, width of what goes in
torch::nn::Sequential make_projection_head(const ModelSettings& settings, std::int64_t features);

}  // namespace simclr
