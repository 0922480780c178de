#include "simclr/model/projection_head.h"

#include <ATen/ops/relu.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "simclr/kernels/panels.h"
#include "simclr/model/native_layers.h"

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

at::Tensor native_head(torch::nn::SequentialImpl& head, at::Tensor x) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (auto* linear = head.ptr(i)->as<torch::nn::LinearImpl>()) {
      x = native_linear(x, linear->weight, linear->bias);
    } else if (auto* norm = head.ptr(i)->as<torch::nn::BatchNorm1dImpl>()) {
      const bool relu_follows = i + 1 < head.size() && head.ptr(i + 1)->as<torch::nn::ReLUImpl>();
      if (!relu_follows || norm->weight.size(0) % kPanel != 0) {
        x = norm->forward(x);
        continue;
      }
      x = native_norm_relu(x, {norm->weight, norm->bias, norm->running_mean, norm->running_var},
                           norm->is_training());
      if (norm->is_training()) norm->num_batches_tracked.add_(1);
      ++i;
    } else {
      x = at::relu(x);
    }
  }
  return x;
}

}  // namespace simclr
