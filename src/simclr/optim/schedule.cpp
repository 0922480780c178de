#include "simclr/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace simclr {
namespace {

/// Batch size that rates are quoted for.
constexpr double kReferenceBatch = 256.0;

/// Share of the peak on half a cosine from `first` to `last`.
double cosine_share(double step, double first, double last) {
  const double progress = last > first ? std::min(1.0, (step - first) / (last - first)) : 1.0;
  return 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace

double peak_learning_rate(const OptimSettings& settings, std::int64_t batch_size) {
  const double ratio = static_cast<double>(batch_size) / kReferenceBatch;
  if (settings.lr_scaling == LrScaling::kLinear) return settings.lr * ratio;
  if (settings.lr_scaling == LrScaling::kSqrt) return settings.lr * std::sqrt(ratio);
  return settings.lr;
}

double learning_rate(const OptimSettings& settings, double peak, std::int64_t step,
                     const RunLength& run) {
  const double warmup_steps =
      std::round(settings.warmup_epochs * static_cast<double>(run.steps_per_epoch));
  const auto done = static_cast<double>(step);
  if (done < warmup_steps) return peak * (done + 1.0) / warmup_steps;
  if (settings.schedule == Schedule::kCosine)
    return peak * cosine_share(done, warmup_steps, static_cast<double>(run.total_steps));
  if (settings.schedule == Schedule::kStep) {
    const auto passed =
        std::count_if(settings.milestones.begin(), settings.milestones.end(),
                      [&](std::int64_t epoch) { return epoch * run.steps_per_epoch <= step; });
    return peak * std::pow(settings.step_factor, static_cast<double>(passed));
  }
  return peak;
}

}  // namespace simclr
