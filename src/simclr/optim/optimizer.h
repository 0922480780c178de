#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simclr/config/settings.h"

namespace simclr {

/// A parameter to be optimised and the name its state is stored under.
struct OptimizedParameter {
  std::string name;
  at::Tensor tensor;  ///< leaf with a gradient after backward
};

/// Updates parameters in place from their gradients. State is by parameter name, so that a
/// checkpoint can hold it.
class Optimizer {
 public:
  explicit Optimizer(std::vector<OptimizedParameter> parameters)
      : parameters_(std::move(parameters)) {}
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update with rate `lr`. @throws c10::Error if a parameter has no gradient
  void step(double lr);
  /// State tensors by name, "<kind>.<parameter>": the tensors themselves, not copies.
  virtual std::map<std::string, at::Tensor> state() const = 0;

  void zero_grad();  ///< forgets every gradient

 protected:
  virtual void update(double lr) = 0;
  std::vector<OptimizedParameter> parameters_;
};

/// Adam (Kingma & Ba 2015, betas 0.9 and 0.999, eps 1e-8) or SGD with momentum, each with L2 weight
/// decay, equal to torch.optim.Adam and torch.optim.SGD. All state exists, zeroed, from the start.
std::unique_ptr<Optimizer> make_optimizer(const OptimSettings& settings,
                                          std::vector<OptimizedParameter> parameters);

}  // namespace simclr
