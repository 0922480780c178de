#pragma once

#include <cstdint>
#include <vector>

namespace simclr {

/// A parameter on its way through an update: `size` floats each, dense in memory.
struct UpdatedBuffers {
  float* weights = nullptr;
  const float* gradient = nullptr;
  float* first = nullptr;   ///< momentum (null: none), or Adam's mean of gradients
  float* second = nullptr;  ///< Adam's mean of squares
  std::int64_t size = 0;
};

/// g = gradient + weight_decay w;  m = momentum m + g;  w -= lr m.  As torch.optim.SGD.
struct SgdStep {
  float lr = 0.0F;
  float momentum = 0.0F;
  float weight_decay = 0.0F;
};

/// g = gradient + weight_decay w;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// w -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon).  As torch.optim.Adam.
struct AdamStep {
  double lr = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  std::int64_t step = 1;  ///< t, from 1
};

/// One pass over the memory of all parameters together, shared out among the pool's threads.
void update(const std::vector<UpdatedBuffers>& parameters, const SgdStep& step);
void update(const std::vector<UpdatedBuffers>& parameters, const AdamStep& step);

}  // namespace simclr
