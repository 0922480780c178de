#include "simclr/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace simclr {

double learning_rate(const OptimSettings& settings, std::int64_t step, std::int64_t steps_per_epoch,
                     std::int64_t total_steps) {
  const double warmup_steps =
      std::round(settings.warmup_epochs * static_cast<double>(steps_per_epoch));
  const auto done = static_cast<double>(step);
  if (done < warmup_steps) return settings.lr * (done + 1.0) / warmup_steps;
  if (settings.schedule == Schedule::kConstant) return settings.lr;

  const double cosine_steps = static_cast<double>(total_steps) - warmup_steps;
  const double progress =
      cosine_steps > 0 ? std::min(1.0, (done - warmup_steps) / cosine_steps) : 1.0;
  return settings.lr * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace simclr
