#pragma once

#include <torch/nn/module.h>

#include <cstdint>

namespace simclr {

/// Fills the parameters of `root` in place, each drawn in row-major order from
/// RandomKey{seed, kInit, 0, position among the root's parameters}: convolutions He normal by fan
/// out, linear weights and biases uniform in +-1/sqrt(fan in); batch norm keeps its 1 and 0.
void initialise_weights(torch::nn::Module& root, std::uint64_t seed);

}  // namespace simclr
