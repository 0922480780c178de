#pragma once

#include "simclr/optim/optimizer.h"

// The rules of update behind make_optimizer.
namespace simclr::detail {

/// "<kind>.<parameter>": tensor, for each parameter.
void add_state(std::map<std::string, at::Tensor>& state, const std::string& kind,
               const std::vector<OptimizedParameter>& parameters,
               const std::vector<at::Tensor>& tensors);

/// What SGD and LARS share: a momentum buffer for each parameter, or none without momentum.
class MomentumOptimizer : public Optimizer {
 public:
  MomentumOptimizer(const OptimSettings& settings, std::vector<OptimizedParameter> parameters);
  std::map<std::string, at::Tensor> state() const override;

 protected:
  void attach_momentum(std::vector<UpdatedBuffers>& buffers) const;
  std::vector<at::Tensor> momenta_;
};

class Sgd final : public MomentumOptimizer {
  using MomentumOptimizer::MomentumOptimizer;
  void update_buffers(std::vector<UpdatedBuffers> buffers, double lr,
                      double gradient_scale) override;
  void update_tensors(std::vector<at::Tensor> gradients, double lr) override;
};

class Lars final : public MomentumOptimizer {
  using MomentumOptimizer::MomentumOptimizer;
  void update_buffers(std::vector<UpdatedBuffers> buffers, double lr,
                      double gradient_scale) override;
  void update_tensors(std::vector<at::Tensor> gradients, double lr) override;
};

/// Adam, or AdamW where the settings say so.
class Adam final : public Optimizer {
 public:
  Adam(const OptimSettings& settings, std::vector<OptimizedParameter> parameters);
  std::map<std::string, at::Tensor> state() const override;

 private:
  void update_buffers(std::vector<UpdatedBuffers> buffers, double lr,
                      double gradient_scale) override;
  void update_tensors(std::vector<at::Tensor> gradients, double lr) override;
  bool is_decoupled() const { return settings_.optimizer == OptimizerKind::kAdamW; }

  std::vector<at::Tensor> means_;
  std::vector<at::Tensor> squares_;
  at::Tensor step_;  // f32 as LibTorch's kernels want it: exact up to 2^24 steps
};

}  // namespace simclr::detail
