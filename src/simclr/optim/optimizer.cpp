#include "simclr/optim/optimizer.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "simclr/optim/rules.h"

namespace simclr {
namespace {

/// Keeps the quotient finite; the value of torch.nn.utils.clip_grad_norm_.
constexpr double kClipEpsilon = 1e-6;

/// The gradient in its parameter's memory layout: updates walk the memory of both.
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

double norm_of(const std::vector<at::Tensor>& gradients, bool native) {
  double sum = 0.0;
  if (native) {
    std::vector<UpdatedBuffers> buffers;
    buffers.reserve(gradients.size());
    for (const at::Tensor& gradient : gradients)
      buffers.push_back({.gradient = gradient.const_data_ptr<float>(), .size = gradient.numel()});
    for (const SquareSums& sums : square_sums(buffers, 1.0)) sum += sums.gradient;
  } else {
    for (const at::Tensor& gradient : gradients) {
      const auto norm = at::linalg_vector_norm(gradient, 2, c10::nullopt, false, at::kDouble);
      sum += std::pow(norm.item<double>(), 2);
    }
  }
  return std::sqrt(sum);
}

}  // namespace

bool is_excluded_from_decay(const OptimSettings& settings, const at::Tensor& parameter) {
  const bool spares = settings.optimizer == OptimizerKind::kLars ||
                      settings.weight_decay_exclude == DecayExclusion::kNormBias;
  return spares && parameter.dim() < 2;
}

Optimizer::Optimizer(const OptimSettings& settings, std::vector<OptimizedParameter> parameters)
    : settings_(settings), parameters_(std::move(parameters)), native_(is_native(parameters_)) {}

void Optimizer::step(double lr, double norm) {
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> gradients = gradients_of(parameters_);
  double scale = 1.0;
  if (settings_.clip_norm > 0.0) {
    if (std::isnan(norm)) norm = norm_of(gradients, native_);
    scale = std::min(1.0, settings_.clip_norm / (norm + kClipEpsilon));
  }
  if (native_) {
    std::vector<UpdatedBuffers> buffers;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      buffers.push_back({.weights = parameters_[i].tensor.data_ptr<float>(),
                         .gradient = gradients[i].const_data_ptr<float>(),
                         .size = gradients[i].numel(),
                         .weight_decay = weight_decay_of(i),
                         .adapted = !is_excluded_from_decay(settings_, parameters_[i].tensor)});
    update_buffers(std::move(buffers), lr, scale);
  } else {
    if (scale < 1.0)
      for (at::Tensor& gradient : gradients) gradient = gradient.mul(scale);
    update_tensors(std::move(gradients), lr);
  }
  // Updates do not count as writes for LibTorch, but whoever keeps what was made of the
  // parameters, as the native engine does, must see that they are others now.
  for (OptimizedParameter& parameter : parameters_)
    parameter.tensor.unsafeGetTensorImpl()->bump_version();
}

double Optimizer::gradient_norm() const {
  const c10::NoGradGuard no_gradient;
  return norm_of(gradients_of(parameters_), native_);
}

void Optimizer::zero_grad() {
  for (OptimizedParameter& parameter : parameters_) parameter.tensor.mutable_grad().reset();
}

std::vector<at::Tensor> Optimizer::tensors() const {
  std::vector<at::Tensor> tensors;
  tensors.reserve(parameters_.size());
  for (const OptimizedParameter& parameter : parameters_) tensors.push_back(parameter.tensor);
  return tensors;
}

std::vector<at::Tensor> Optimizer::zeros() const {
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> zeros;
  zeros.reserve(parameters_.size());
  for (const OptimizedParameter& parameter : parameters_)
    zeros.push_back(at::zeros_like(parameter.tensor));
  return zeros;
}

double Optimizer::weight_decay_of(std::size_t i) const {
  return is_excluded_from_decay(settings_, parameters_[i].tensor) ? 0.0 : settings_.weight_decay;
}

void Optimizer::add_weight_decay(std::vector<at::Tensor>& gradients) const {
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (const double decay = weight_decay_of(i); decay > 0.0)
      gradients[i] = gradients[i].add(parameters_[i].tensor, decay);
}

std::unique_ptr<Optimizer> make_optimizer(const OptimSettings& settings,
                                          std::vector<OptimizedParameter> parameters) {
  TORCH_CHECK(!parameters.empty(), "[make_optimizer] expected at least one parameter, got none");
  if (settings.optimizer == OptimizerKind::kSgd)
    return std::make_unique<detail::Sgd>(settings, std::move(parameters));
  if (settings.optimizer == OptimizerKind::kLars)
    return std::make_unique<detail::Lars>(settings, std::move(parameters));
  return std::make_unique<detail::Adam>(settings, std::move(parameters));
}

}  // namespace simclr
