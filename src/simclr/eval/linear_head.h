#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace simclr {

/// scores = x weight^T + bias
struct LinearHead {
  at::Tensor weight;  ///< f32 [classes, F]
  at::Tensor bias;    ///< f32 [classes]

  at::Tensor operator()(const at::Tensor& x) const;  ///< f32 [B, F] -> [B, classes]
  LinearHead copy() const;
};

/// Uniform within 1 / sqrt(F), as torch.nn.Linear's; keyed by `seed` alone.
LinearHead initial_head(std::int64_t width, std::int64_t classes, std::uint64_t seed);

/// The order of an epoch: i64 [count], a permutation keyed by seed and epoch.
at::Tensor shuffled_order(std::int64_t count, std::uint64_t seed, std::uint32_t epoch);

}  // namespace simclr
