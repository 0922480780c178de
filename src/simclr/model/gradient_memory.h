#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "simclr/core/huge_memory.h"

namespace simclr {

/// Memory for the gradients of some parameters: one block for all, which is used again as soon as
/// no tensor lies in it. Taken from the system anew each step, it would cost as much as writing it.
class GradientMemory {
 public:
  /// @return f32 tensors like `parameters`, in shape and strides; values undefined
  std::vector<at::Tensor> take(const std::vector<at::Tensor>& parameters);
  std::int64_t bytes() const;

 private:
  std::vector<std::shared_ptr<HugeMemory>> blocks_;
};

}  // namespace simclr
