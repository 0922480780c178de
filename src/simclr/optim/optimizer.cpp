#include "simclr/optim/optimizer.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "simclr/kernels/optimizer_step.h"

namespace simclr {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

std::vector<at::Tensor> tensors_of(const std::vector<OptimizedParameter>& parameters) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(parameters.size());
  for (const OptimizedParameter& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

std::vector<at::Tensor> zeros_for(const std::vector<OptimizedParameter>& parameters) {
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> zeros;
  zeros.reserve(parameters.size());
  for (const OptimizedParameter& parameter : parameters)
    zeros.push_back(at::zeros_like(parameter.tensor));
  return zeros;
}

/// The gradient in its parameter's memory layout: the fused updates walk the memory of both.
at::Tensor gradient_of(const OptimizedParameter& parameter) {
  const at::Tensor& gradient = parameter.tensor.grad();
  TORCH_CHECK(gradient.defined(),
              "[optimizer] expected a gradient of every parameter, got none of '", parameter.name,
              "'");
  if (gradient.strides() == parameter.tensor.strides()) return gradient;
  return at::empty_like(parameter.tensor).copy_(gradient);
}

std::vector<at::Tensor> gradients_of(const std::vector<OptimizedParameter>& parameters) {
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const OptimizedParameter& parameter : parameters)
    gradients.push_back(gradient_of(parameter));
  return gradients;
}

/// f32 on the CPU without gaps: our kernels walk the memory, whatever the order of the dimensions.
bool is_native(const std::vector<OptimizedParameter>& parameters) {
  return std::all_of(parameters.begin(), parameters.end(), [](const OptimizedParameter& parameter) {
    const at::Tensor& tensor = parameter.tensor;
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat &&
           tensor.is_non_overlapping_and_dense();
  });
}

/// @param first, second  state by parameter, or nothing
std::vector<UpdatedBuffers> buffers_of(const std::vector<OptimizedParameter>& parameters,
                                       const std::vector<at::Tensor>& gradients,
                                       const std::vector<at::Tensor>& first,
                                       const std::vector<at::Tensor>& second) {
  std::vector<UpdatedBuffers> buffers;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    buffers.push_back({parameters[i].tensor.data_ptr<float>(), gradients[i].const_data_ptr<float>(),
                       first.empty() ? nullptr : first[i].data_ptr<float>(),
                       second.empty() ? nullptr : second[i].data_ptr<float>(),
                       parameters[i].tensor.numel()});
  return buffers;
}

void add_state(std::map<std::string, at::Tensor>& state, const std::string& kind,
               const std::vector<OptimizedParameter>& parameters,
               const std::vector<at::Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    state.emplace(kind + "." + parameters[i].name, tensors[i]);
}

class Adam final : public Optimizer {
 public:
  Adam(double weight_decay, std::vector<OptimizedParameter> parameters)
      : Optimizer(std::move(parameters)),
        native_(is_native(parameters_)),
        weight_decay_(weight_decay),
        means_(zeros_for(parameters_)),
        squares_(zeros_for(parameters_)),
        step_(at::zeros({}, at::device(parameters_.front().tensor.device()).dtype(at::kFloat))) {}

  void update(double lr) override {
    const c10::NoGradGuard no_gradient;
    const std::vector<at::Tensor> gradients = gradients_of(parameters_);
    step_.add_(1.0);
    if (native_) {
      simclr::update(buffers_of(parameters_, gradients, means_, squares_),
                     AdamStep{.lr = lr,
                              .beta1 = kBeta1,
                              .beta2 = kBeta2,
                              .epsilon = kEpsilon,
                              .weight_decay = weight_decay_,
                              .step = static_cast<std::int64_t>(step_.item<float>())});
      return;
    }
    at::_fused_adam_(tensors_of(parameters_), gradients, means_, squares_, {},
                     std::vector<at::Tensor>(parameters_.size(), step_), lr, kBeta1, kBeta2,
                     weight_decay_, kEpsilon, /*amsgrad=*/false, /*maximize=*/false);
  }

  std::map<std::string, at::Tensor> state() const override {
    std::map<std::string, at::Tensor> state{{"step", step_}};
    add_state(state, "exp_avg", parameters_, means_);
    add_state(state, "exp_avg_sq", parameters_, squares_);
    return state;
  }

 private:
  bool native_;
  double weight_decay_;
  std::vector<at::Tensor> means_;
  std::vector<at::Tensor> squares_;
  at::Tensor step_;  // f32 as LibTorch's kernels want it: exact up to 2^24 steps
};

class Sgd final : public Optimizer {
 public:
  Sgd(double momentum, double weight_decay, std::vector<OptimizedParameter> parameters)
      : Optimizer(std::move(parameters)),
        native_(is_native(parameters_)),
        momentum_(momentum),
        weight_decay_(weight_decay) {
    if (momentum_ > 0) buffers_ = zeros_for(parameters_);
  }

  void update(double lr) override {
    const c10::NoGradGuard no_gradient;
    const std::vector<at::Tensor> gradients = gradients_of(parameters_);
    // A zeroed buffer makes the first step what it is in PyTorch: momentum * 0 + gradient.
    if (native_) {
      simclr::update(buffers_of(parameters_, gradients, buffers_, {}),
                     SgdStep{static_cast<float>(lr), static_cast<float>(momentum_),
                             static_cast<float>(weight_decay_)});
      return;
    }
    at::_fused_sgd_(tensors_of(parameters_), gradients, buffers_, weight_decay_, momentum_, lr,
                    /*dampening=*/0.0, /*nesterov=*/false, /*maximize=*/false,
                    /*is_first_step=*/false);
  }

  std::map<std::string, at::Tensor> state() const override {
    std::map<std::string, at::Tensor> state;
    add_state(state, "momentum_buffer", parameters_, buffers_);
    return state;
  }

 private:
  bool native_;
  double momentum_;
  double weight_decay_;
  std::vector<at::Tensor> buffers_;  // none without momentum
};

}  // namespace

void Optimizer::step(double lr) {
  update(lr);
  // Updates do not count as writes for LibTorch, but whoever keeps what was made of the
  // parameters, as the native engine does, must see that they are others now.
  for (OptimizedParameter& parameter : parameters_)
    parameter.tensor.unsafeGetTensorImpl()->bump_version();
}

void Optimizer::zero_grad() {
  for (OptimizedParameter& parameter : parameters_) parameter.tensor.mutable_grad().reset();
}

std::unique_ptr<Optimizer> make_optimizer(const OptimSettings& settings,
                                          std::vector<OptimizedParameter> parameters) {
  TORCH_CHECK(!parameters.empty(), "[make_optimizer] expected at least one parameter, got none");
  if (settings.optimizer == OptimizerKind::kSgd)
    return std::make_unique<Sgd>(settings.momentum, settings.weight_decay, std::move(parameters));
  return std::make_unique<Adam>(settings.weight_decay, std::move(parameters));
}

}  // namespace simclr
