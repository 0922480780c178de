#include "simclr/model/projection_head.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

namespace simclr {

torch::nn::Sequential make_projection_head(const ModelSettings& settings, std::int64_t features) {
  using torch::nn::BatchNorm1d;
  using torch::nn::Linear;
  using torch::nn::ReLU;
  using torch::nn::Sequential;
  const std::int64_t hidden = settings.head_hidden;
  const std::int64_t out = settings.projection_dim;
  switch (settings.head) {
    case Head::kMlpBn:
      return Sequential(Linear(features, hidden), BatchNorm1d(hidden), ReLU(), Linear(hidden, out));
    case Head::kMlp:
      return Sequential(Linear(features, hidden), ReLU(), Linear(hidden, out));
    case Head::kLinear:
      return Sequential(Linear(features, out));
    case Head::kNone:
      break;
  }
  return Sequential();
}

}  // namespace simclr
