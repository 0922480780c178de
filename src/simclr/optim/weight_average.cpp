#include "simclr/optim/weight_average.h"

#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <utility>

namespace simclr {
namespace {

/// A copy has no gaps, so what shares its strides has none either.
bool is_native(const at::Tensor& tensor, const at::Tensor& average) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat &&
         tensor.strides() == average.strides();
}

}  // namespace

WeightAverage::WeightAverage(double decay, std::vector<OptimizedParameter> tensors)
    : decay_(decay), tensors_(std::move(tensors)) {
  TORCH_CHECK(decay >= 0.0 && decay < 1.0, "[WeightAverage] expected a decay in [0, 1), got ",
              decay);
  const c10::NoGradGuard no_gradient;
  std::erase_if(tensors_, [](const auto& named) { return !named.tensor.is_floating_point(); });
  for (const OptimizedParameter& named : tensors_)
    averages_.push_back(named.tensor.detach().clone());
}

void WeightAverage::update() {
  const c10::NoGradGuard no_gradient;
  std::vector<AveragedBuffers> buffers;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const at::Tensor& tensor = tensors_[i].tensor;
    if (is_native(tensor, averages_[i])) {
      buffers.push_back(
          {averages_[i].data_ptr<float>(), tensor.const_data_ptr<float>(), tensor.numel()});
    } else {
      averages_[i].lerp_(tensor.detach(), 1.0 - decay_);
    }
  }
  update_averages(buffers, decay_);
}

void WeightAverage::swap() {
  const c10::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const at::Tensor trained = tensors_[i].tensor.clone();
    tensors_[i].tensor.copy_(averages_[i]);
    averages_[i].copy_(trained);
  }
}

std::map<std::string, at::Tensor> WeightAverage::state() const {
  std::map<std::string, at::Tensor> state;
  for (std::size_t i = 0; i < tensors_.size(); ++i) state.emplace(tensors_[i].name, averages_[i]);
  return state;
}

}  // namespace simclr
