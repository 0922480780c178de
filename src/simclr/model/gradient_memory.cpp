#include "simclr/model/gradient_memory.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>

namespace simclr {
namespace {

constexpr std::int64_t kLine = 16;  // floats of a cache line

std::int64_t place_of(std::int64_t floats) { return (floats + kLine - 1) / kLine * kLine; }

}  // namespace

std::vector<at::Tensor> GradientMemory::take(const std::vector<at::Tensor>& parameters) {
  std::int64_t floats = 0;
  for (const at::Tensor& parameter : parameters) floats += place_of(parameter.numel());
  const auto fits = [&](const std::shared_ptr<HugeMemory>& block) {
    return block.use_count() == 1 && static_cast<std::int64_t>(block->size()) >= floats;
  };
  auto found = std::find_if(blocks_.begin(), blocks_.end(), fits);
  if (found == blocks_.end())
    found = blocks_.insert(found, std::make_shared<HugeMemory>(static_cast<std::size_t>(floats)));
  const std::shared_ptr<HugeMemory> block = *found;
  std::vector<at::Tensor> gradients;
  float* at = block->data();
  for (const at::Tensor& parameter : parameters) {
    // The tensor keeps the block as long as it lives.
    gradients.push_back(at::from_blob(
        at, parameter.sizes(), parameter.strides(), [block](void*) {}, parameter.options()));
    at += place_of(parameter.numel());
  }
  return gradients;
}

std::int64_t GradientMemory::bytes() const {
  std::int64_t bytes = 0;
  for (const auto& block : blocks_)
    bytes += static_cast<std::int64_t>(block->size() * sizeof(float));
  return bytes;
}

}  // namespace simclr
