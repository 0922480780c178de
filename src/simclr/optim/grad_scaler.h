#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "simclr/optim/optimizer.h"

namespace simclr {

/// Keeps the gradients of fp16 within its range, as torch.amp.GradScaler: the loss is multiplied by
/// a scale that doubles after 2,000 steps without an overflow and halves at each overflow, whose
/// step is left out. Micikevicius et al. 2018, arXiv:1710.03740.
class GradScaler {
 public:
  GradScaler();

  double scale() const;
  /// Divides the gradients by the scale. @return whether all of them are finite
  bool unscale(const std::vector<OptimizedParameter>& parameters) const;
  void update(bool finite);
  /// "scale" f64 [], "good_steps" i64 []: the tensors themselves, not copies.
  std::map<std::string, at::Tensor> state() const;

 private:
  at::Tensor scale_;
  at::Tensor good_steps_;  ///< since the scale last changed
};

}  // namespace simclr
