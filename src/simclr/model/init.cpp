#include "simclr/model/init.h"

#include <ATen/ops/empty_like.h>
#include <c10/core/GradMode.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <cmath>

#include "simclr/core/random.h"

namespace simclr {
namespace {

template <class Draw>
void fill(at::Tensor& parameter, const RandomKey& key, const Draw& draw) {
  Random random(key);
  const at::Tensor drawn = at::empty_like(parameter, at::MemoryFormat::Contiguous);
  float* values = drawn.data_ptr<float>();
  for (std::int64_t i = 0; i < drawn.numel(); ++i) values[i] = draw(random);
  parameter.copy_(drawn);
}

void fill_normal(at::Tensor& parameter, const RandomKey& key, float deviation) {
  fill(parameter, key, [=](Random& random) { return deviation * random.normal(); });
}

void fill_uniform(at::Tensor& parameter, const RandomKey& key, float bound) {
  fill(parameter, key, [=](Random& random) { return random.uniform(-bound, bound); });
}

}  // namespace

void initialise_weights(torch::nn::Module& root, std::uint64_t seed) {
  const c10::NoGradGuard no_grad;
  RandomKey key{.seed = seed, .purpose = Purpose::kInit};
  for (const auto& module : root.modules(/*include_self=*/false)) {
    if (auto* conv = module->as<torch::nn::Conv2d>()) {
      const std::int64_t fan_out = conv->weight.numel() / conv->weight.size(1);
      fill_normal(conv->weight, key, std::sqrt(2.0F / static_cast<float>(fan_out)));
    } else if (auto* linear = module->as<torch::nn::Linear>()) {
      const float bound = 1.0F / std::sqrt(static_cast<float>(linear->weight.size(1)));
      fill_uniform(linear->weight, key, bound);
      RandomKey bias_key = key;
      ++bias_key.sample;
      fill_uniform(linear->bias, bias_key, bound);
    }
    key.sample += static_cast<std::uint32_t>(module->parameters(/*recurse=*/false).size());
  }
}

}  // namespace simclr
