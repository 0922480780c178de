#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/kernels/optimizer_step.h"

namespace simclr {

/// A parameter to be optimised and the name its state is stored under.
struct OptimizedParameter {
  std::string name;
  at::Tensor tensor;  ///< leaf with a gradient after backward
};

/// Whether weight decay spares a parameter: biases and batch norm, the parameters of fewer than two
/// dimensions, if the settings say so, and always with LARS, which then gives them no rate of their
/// own either.
bool is_excluded_from_decay(const OptimSettings& settings, const at::Tensor& parameter);

/// Updates parameters in place from their gradients. State is by parameter name, so that a
/// checkpoint can hold it. Parameters that are all f32 on the CPU without gaps go through our own
/// kernels, whose bits do not depend on the number of threads; others through LibTorch.
class Optimizer {
 public:
  Optimizer(const OptimSettings& settings, std::vector<OptimizedParameter> parameters);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update with rate `lr`; a gradient longer than clip_norm counts as one of that length (as
  /// torch.nn.utils.clip_grad_norm_), but is left as it is. @throws c10::Error if a parameter has
  /// no gradient
  /// @param norm  gradient_norm(), where it is known already
  void step(double lr, double norm = std::numeric_limits<double>::quiet_NaN());
  /// Euclidean norm of all gradients together, in f64. @throws c10::Error as step
  double gradient_norm() const;
  /// State tensors by name, "<kind>.<parameter>": the tensors themselves, not copies.
  virtual std::map<std::string, at::Tensor> state() const = 0;

  void zero_grad();  ///< forgets every gradient
  const std::vector<OptimizedParameter>& parameters() const { return parameters_; }

 protected:
  /// One update by our kernels.
  virtual void update_buffers(std::vector<UpdatedBuffers> buffers, double lr,
                              double gradient_scale) = 0;
  /// One update by LibTorch. @param gradients  clipped already, in their parameters' memory layout
  virtual void update_tensors(std::vector<at::Tensor> gradients, double lr) = 0;

  std::vector<at::Tensor> tensors() const;      ///< the parameters
  std::vector<at::Tensor> zeros() const;        ///< one for each, in its memory layout
  double weight_decay_of(std::size_t i) const;  ///< of the i-th parameter: 0 if it is spared
  /// gradients += weight_decay * parameters
  void add_weight_decay(std::vector<at::Tensor>& gradients) const;

  OptimSettings settings_;
  std::vector<OptimizedParameter> parameters_;

 private:
  bool native_;
};

/// SGD, Adam or AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019; betas 0.9 and 0.999, eps 1e-8),
/// equal to torch.optim's, or LARS (You et al. 2017, as SimCLR's code has it: LarsStep). All state
/// exists, zeroed, from the start.
std::unique_ptr<Optimizer> make_optimizer(const OptimSettings& settings,
                                          std::vector<OptimizedParameter> parameters);

}  // namespace simclr
