#include "simclr/eval/linear_head.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "simclr/core/random.h"

namespace simclr {
namespace {

at::Tensor initial_values(at::IntArrayRef sizes, std::int64_t width, const RandomKey& key) {
  const float bound = 1.0F / std::sqrt(static_cast<float>(width));
  at::Tensor values = at::empty(sizes, at::kFloat);
  Random random(key);
  std::generate_n(values.data_ptr<float>(), values.numel(),
                  [&] { return random.uniform(-bound, bound); });
  return values;
}

}  // namespace

at::Tensor LinearHead::operator()(const at::Tensor& x) const {
  return at::addmm(bias, x, weight.t());
}

LinearHead LinearHead::copy() const { return {weight.detach().clone(), bias.detach().clone()}; }

LinearHead initial_head(std::int64_t width, std::int64_t classes, std::uint64_t seed) {
  const RandomKey key{.seed = seed, .purpose = Purpose::kHead};
  RandomKey bias_key = key;
  bias_key.sample = 1;
  return {initial_values({classes, width}, width, key), initial_values({classes}, width, bias_key)};
}

at::Tensor shuffled_order(std::int64_t count, std::uint64_t seed, std::uint32_t epoch) {
  const std::vector<std::uint32_t> order =
      permutation(static_cast<std::uint32_t>(count),
                  {.seed = seed, .purpose = Purpose::kShuffle, .epoch = epoch});
  return at::tensor(std::vector<std::int64_t>(order.begin(), order.end()), at::kLong);
}

}  // namespace simclr
