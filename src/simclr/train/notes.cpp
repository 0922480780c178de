#include "simclr/train/notes.h"

#include <fmt/format.h>

#include <cmath>

namespace simclr {
namespace {

/// So near to chance in nats a loss tells nothing apart; a network that learns is below it by more
/// after one epoch.
constexpr double kNearChance = 0.01;
/// Uniformity of projections whose mean squared distance is below about 0.025.
constexpr double kCollapsedUniformity = -0.05;
/// Features after ReLU share a direction, and random ones have an effective rank well above this.
constexpr double kCollapsedRank = 1.1;

}  // namespace

double chance_loss(const Settings& settings, std::int64_t classes) {
  if (settings.train.objective == Objective::kSupervised)
    return std::log(static_cast<double>(classes));
  const std::int64_t views = 2 * settings.train.batch_size;
  const std::int64_t candidates = settings.loss.kind == LossKind::kDcl ? views - 2 : views - 1;
  return std::log(static_cast<double>(candidates));
}

std::vector<std::string> Notes::on(const EpochMetrics& row) {
  std::vector<std::string> lines;
  const auto tell = [&](const std::string& what, bool holds, const std::string& line) {
    if (!holds) {
      lasting_.erase(what);
    } else if (lasting_.insert(what).second) {
      lines.push_back("Note: " + line);
    }
  };
  // At a low temperature an untrained network's loss lies above chance.
  tell("chance", std::abs(row.train_loss - chance_) < kNearChance,
       fmt::format("the training loss sits at chance, {:.4f} of {:.4f}: nothing is told apart yet. "
                   "Another --lr or a lower --temperature may help.",
                   row.train_loss, chance_));
  // Comparisons with NaN, what was not measured, are false.
  tell("projections", row.uniformity > kCollapsedUniformity,
       fmt::format("the projections have collapsed: all point nearly the same way (uniformity "
                   "{:.4f}, 0 if all are equal). A lower --lr or --temperature may help.",
                   row.uniformity));
  tell("features", row.effective_rank < kCollapsedRank,
       fmt::format("the features have collapsed onto one direction (effective rank {:.2f}).",
                   row.effective_rank));
  return lines;
}

}  // namespace simclr
