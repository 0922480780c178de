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
  double weight_decay = 0.0;
  bool adapted = false;  ///< has a rate of its own in LARS
};

// In all of them g = gradient_scale gradient + weight_decay w.

/// m = momentum m + g;  w -= lr m, or lr (g + momentum m) with Nesterov's.  As torch.optim.SGD.
struct SgdStep {
  double lr = 0.0;
  double momentum = 0.0;
  bool nesterov = false;
  double gradient_scale = 1.0;
};

/// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// w -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon).  As torch.optim.Adam;
/// decoupled, g is without the decay and w is first multiplied by 1 - lr weight_decay, as
/// torch.optim.AdamW.
struct AdamStep {
  double lr = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool decoupled = false;
  std::int64_t step = 1;  ///< t, from 1
  double gradient_scale = 1.0;
};

/// r = lr trust_ratio(|w|, |g|) where adapted, else lr;  m = momentum m + r g;  w -= m, or
/// momentum m + r g with Nesterov's. You et al. 2017, arXiv:1708.03888, with the rate inside the
/// momentum as SimCLR's code has it.
struct LarsStep {
  double lr = 0.0;
  double momentum = 0.9;
  bool nesterov = false;
  double trust = 0.001;
  double gradient_scale = 1.0;
};

/// LARS's factor of the rate: trust |w| / |g|; 1 where either norm is 0 (or not a number).
double trust_ratio(double trust, double weight_norm, double gradient_norm);

/// One pass over the memory of all parameters together (LARS: two), shared out among the pool's
/// threads; the same bits for any number of them.
void update(const std::vector<UpdatedBuffers>& parameters, const SgdStep& step);
void update(const std::vector<UpdatedBuffers>& parameters, const AdamStep& step);
void update(const std::vector<UpdatedBuffers>& parameters, const LarsStep& step);

/// `size` floats each, dense in memory.
struct AveragedBuffers {
  float* average = nullptr;
  const float* values = nullptr;
  std::int64_t size = 0;
};

/// average += (1 - decay) (values - average).
void update_averages(const std::vector<AveragedBuffers>& averages, double decay);

/// Of one parameter, in f64.
struct SquareSums {
  double weights = 0.0;
  double gradient = 0.0;  ///< of g
};

/// Sums of squares, by fixed chunks added in order: the same bits for any number of threads.
/// Buffers without weights are gradients alone.
std::vector<SquareSums> square_sums(const std::vector<UpdatedBuffers>& parameters,
                                    double gradient_scale);

}  // namespace simclr
