#include "simclr/optim/grad_scaler.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>

#include <cstdint>

namespace simclr {
namespace {

// The values of torch.amp.GradScaler.
constexpr double kFirstScale = 65536.0;
constexpr double kGrowth = 2.0;
constexpr double kBackoff = 0.5;
constexpr std::int64_t kGrowthInterval = 2000;

}  // namespace

GradScaler::GradScaler()
    : scale_(at::scalar_tensor(kFirstScale, at::kDouble)),
      good_steps_(at::scalar_tensor(0, at::kLong)) {}

double GradScaler::scale() const { return scale_.item<double>(); }

bool GradScaler::unscale(const std::vector<OptimizedParameter>& parameters) const {
  const c10::NoGradGuard no_gradient;
  bool finite = true;
  for (const OptimizedParameter& parameter : parameters) {
    at::Tensor gradient = parameter.tensor.grad();
    gradient.div_(scale());
    finite = finite && at::isfinite(gradient).all().item<bool>();
  }
  return finite;
}

void GradScaler::update(bool finite) {
  if (!finite) {
    scale_.mul_(kBackoff);
    good_steps_.zero_();
    return;
  }
  good_steps_.add_(1);
  if (good_steps_.item<std::int64_t>() < kGrowthInterval) return;
  scale_.mul_(kGrowth);
  good_steps_.zero_();
}

std::map<std::string, at::Tensor> GradScaler::state() const {
  return {{"scale", scale_}, {"good_steps", good_steps_}};
}

}  // namespace simclr
