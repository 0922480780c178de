#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "simclr/optim/optimizer.h"

namespace simclr {

/// Exponential moving average of tensors, weights and running statistics alike:
/// average += (1 - decay) (tensor - average) after every step, from the tensors as they were at the
/// start. f32 on the CPU without gaps goes through our own kernel. Integers are left out.
class WeightAverage {
 public:
  /// @param decay  in [0, 1)
  WeightAverage(double decay, std::vector<OptimizedParameter> tensors);

  void update();
  /// Exchanges the averages with the tensors: to look at the model as it is on average, and again
  /// to go on.
  void swap();
  /// The averages by name: the tensors themselves, not copies.
  std::map<std::string, at::Tensor> state() const;

 private:
  double decay_;
  std::vector<OptimizedParameter> tensors_;
  std::vector<at::Tensor> averages_;
};

}  // namespace simclr
