#include "simclr/optim/rules.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros.h>

#include <cstddef>
#include <utility>

namespace simclr::detail {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

double norm_of(const at::Tensor& tensor) {
  return at::linalg_vector_norm(tensor, 2).item<double>();
}

}  // namespace

void add_state(std::map<std::string, at::Tensor>& state, const std::string& kind,
               const std::vector<OptimizedParameter>& parameters,
               const std::vector<at::Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    state.emplace(kind + "." + parameters[i].name, tensors[i]);
}

// ---- momentum ----

MomentumOptimizer::MomentumOptimizer(const OptimSettings& settings,
                                     std::vector<OptimizedParameter> parameters)
    : Optimizer(settings, std::move(parameters)) {
  if (settings_.momentum > 0) momenta_ = zeros();
}

std::map<std::string, at::Tensor> MomentumOptimizer::state() const {
  std::map<std::string, at::Tensor> state;
  add_state(state, "momentum_buffer", parameters_, momenta_);
  return state;
}

void MomentumOptimizer::attach_momentum(std::vector<UpdatedBuffers>& buffers) const {
  for (std::size_t i = 0; i < momenta_.size(); ++i)
    buffers[i].first = momenta_[i].data_ptr<float>();
}

void Sgd::update_buffers(std::vector<UpdatedBuffers> buffers, double lr, double gradient_scale) {
  attach_momentum(buffers);
  update(buffers, SgdStep{.lr = lr,
                          .momentum = settings_.momentum,
                          .nesterov = settings_.nesterov,
                          .gradient_scale = gradient_scale});
}

void Sgd::update_tensors(std::vector<at::Tensor> gradients, double lr) {
  add_weight_decay(gradients);
  // A zeroed buffer makes the first step what it is in PyTorch: momentum * 0 + gradient.
  at::_fused_sgd_(tensors(), gradients, momenta_, /*weight_decay=*/0.0, settings_.momentum, lr,
                  /*dampening=*/0.0, settings_.nesterov, /*maximize=*/false,
                  /*is_first_step=*/false);
}

void Lars::update_buffers(std::vector<UpdatedBuffers> buffers, double lr, double gradient_scale) {
  attach_momentum(buffers);
  update(buffers, LarsStep{.lr = lr,
                           .momentum = settings_.momentum,
                           .nesterov = settings_.nesterov,
                           .trust = settings_.lars_trust,
                           .gradient_scale = gradient_scale});
}

void Lars::update_tensors(std::vector<at::Tensor> gradients, double lr) {
  add_weight_decay(gradients);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& w = parameters_[i].tensor;
    const bool adapted = !is_excluded_from_decay(settings_, w);
    const double ratio =
        adapted ? trust_ratio(settings_.lars_trust, norm_of(w), norm_of(gradients[i])) : 1.0;
    at::Tensor change = gradients[i].mul(lr * ratio);
    if (!momenta_.empty()) {
      momenta_[i].mul_(settings_.momentum).add_(change);
      change = settings_.nesterov ? change.add(momenta_[i], settings_.momentum) : momenta_[i];
    }
    w.sub_(change);
  }
}

// ---- Adam ----

Adam::Adam(const OptimSettings& settings, std::vector<OptimizedParameter> parameters)
    : Optimizer(settings, std::move(parameters)),
      means_(zeros()),
      squares_(zeros()),
      step_(at::zeros({}, at::device(parameters_.front().tensor.device()).dtype(at::kFloat))) {}

std::map<std::string, at::Tensor> Adam::state() const {
  std::map<std::string, at::Tensor> state{{"step", step_}};
  add_state(state, "exp_avg", parameters_, means_);
  add_state(state, "exp_avg_sq", parameters_, squares_);
  return state;
}

void Adam::update_buffers(std::vector<UpdatedBuffers> buffers, double lr, double gradient_scale) {
  step_.add_(1.0);
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    buffers[i].first = means_[i].data_ptr<float>();
    buffers[i].second = squares_[i].data_ptr<float>();
  }
  update(buffers, AdamStep{.lr = lr,
                           .beta1 = kBeta1,
                           .beta2 = kBeta2,
                           .epsilon = kEpsilon,
                           .decoupled = is_decoupled(),
                           .step = static_cast<std::int64_t>(step_.item<float>()),
                           .gradient_scale = gradient_scale});
}

void Adam::update_tensors(std::vector<at::Tensor> gradients, double lr) {
  step_.add_(1.0);
  if (is_decoupled()) {
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      parameters_[i].tensor.mul_(1.0 - lr * weight_decay_of(i));
  } else {
    add_weight_decay(gradients);
  }
  at::_fused_adam_(tensors(), gradients, means_, squares_, {},
                   std::vector<at::Tensor>(parameters_.size(), step_), lr, kBeta1, kBeta2,
                   /*weight_decay=*/0.0, kEpsilon, /*amsgrad=*/false, /*maximize=*/false);
}

}  // namespace simclr::detail
