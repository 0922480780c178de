#include "simclr/eval/lbfgs.h"

#include <ATen/ops/dot.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <vector>

namespace simclr {
namespace {

constexpr double kSufficientDecrease = 1e-4;  // c1
constexpr double kCurvature = 0.9;            // c2
constexpr int kMaxTrials = 25;                // of the line search: a step of 2^-25 is no step

/// A point on the search line.
struct Trial {
  double step = 0.0;
  double value = 0.0;
  double slope = 0.0;
  at::Tensor point;
  at::Tensor gradient;
};

double inner(const at::Tensor& a, const at::Tensor& b) { return at::dot(a, b).item<double>(); }

/// Where the cubic through both values and slopes is smallest, kept off the ends of the bracket.
double cubic_minimum(const Trial& a, const Trial& b) {
  const double width = b.step - a.step;
  const double d1 = a.slope + b.slope - 3 * (b.value - a.value) / width;
  const double square = d1 * d1 - a.slope * b.slope;
  double share = 0.5;
  if (square >= 0) {
    const double d2 = std::copysign(std::sqrt(square), width);
    const double found = 1 - (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
    if (std::isfinite(found)) share = std::clamp(found, 0.1, 0.9);
  }
  return a.step + share * width;
}

class LineSearch {
 public:
  LineSearch(const SmoothFunction& function, const Trial& origin, const at::Tensor& direction,
             double value_noise)
      : function_(function), origin_(origin), direction_(direction), value_noise_(value_noise) {}

  /// A point that meets the strong Wolfe conditions; else the lowest one found, if it is lower than
  /// the origin.
  std::optional<Trial> run() {
    Trial previous = origin_;
    double step = 1.0;
    while (trials_ < kMaxTrials) {
      Trial trial = evaluate(step);
      if (!decreases(trial) || (trials_ > 1 && trial.value >= previous.value))
        return zoom(std::move(previous), std::move(trial));
      if (flat(trial)) return trial;
      if (trial.slope >= 0) return zoom(std::move(trial), std::move(previous));
      previous = std::move(trial);
      step *= 2;
    }
    return lower_than_origin(std::move(previous));
  }

 private:
  Trial evaluate(double step) {
    ++trials_;
    Trial trial{step, 0.0, 0.0, origin_.point.add(direction_, step),
                at::empty_like(origin_.gradient)};
    trial.value = function_(trial.point, trial.gradient);
    trial.slope = inner(trial.gradient, direction_);
    return trial;
  }

  /// False for a value that is not a number, too.
  bool decreases(const Trial& trial) const {
    return trial.value <=
           origin_.value + kSufficientDecrease * trial.step * origin_.slope + value_noise_;
  }
  bool flat(const Trial& trial) const {
    return std::abs(trial.slope) <= -kCurvature * origin_.slope;
  }

  /// Shrinks the bracket between its lowest point that decreases enough and another.
  std::optional<Trial> zoom(Trial low, Trial high) {
    while (trials_ < kMaxTrials) {
      Trial trial = evaluate(cubic_minimum(low, high));
      if (!decreases(trial) || trial.value >= low.value) {
        high = std::move(trial);
        continue;
      }
      if (flat(trial)) return trial;
      if (trial.slope * (high.step - low.step) >= 0) high = std::move(low);
      low = std::move(trial);
    }
    return lower_than_origin(std::move(low));
  }

  std::optional<Trial> lower_than_origin(Trial trial) const {
    if (trial.value < origin_.value) return trial;
    return std::nullopt;
  }

  const SmoothFunction& function_;
  const Trial& origin_;
  const at::Tensor& direction_;
  double value_noise_;
  int trials_ = 0;
};

/// The last steps and gradient changes, and the inverse Hessian they stand for.
class History {
 public:
  History(const Preconditioner& precondition, std::size_t capacity)
      : precondition_(precondition), capacity_(capacity) {}

  void add(const at::Tensor& step, const at::Tensor& change) {
    const double curvature = inner(step, change);
    if (!(curvature > 0)) return;
    if (pairs_.size() == capacity_) pairs_.pop_front();
    pairs_.push_back({step, change, curvature, curvature / inner(change, precondition_(change))});
  }

  /// The two-loop recursion: minus the inverse Hessian times `gradient`.
  at::Tensor direction(const at::Tensor& gradient) const {
    at::Tensor q = gradient.neg();
    std::vector<double> shares(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      shares[i] = inner(pairs_[i].step, q) / pairs_[i].curvature;
      q.sub_(pairs_[i].change, shares[i]);
    }
    q = precondition_(q);
    if (!pairs_.empty()) q.mul_(pairs_.back().scale);
    for (std::size_t i = 0; i < pairs_.size(); ++i)
      q.add_(pairs_[i].step, shares[i] - inner(pairs_[i].change, q) / pairs_[i].curvature);
    return q;
  }

 private:
  struct Pair {
    at::Tensor step;
    at::Tensor change;
    double curvature = 0.0;
    double scale = 0.0;  ///< of the preconditioner, to fit this pair
  };
  const Preconditioner& precondition_;
  std::size_t capacity_;
  std::deque<Pair> pairs_;
};

double largest(const at::Tensor& gradient) { return gradient.abs().max().item<double>(); }

}  // namespace

LbfgsResult minimize_lbfgs(const SmoothFunction& function, const at::Tensor& start,
                           const Preconditioner& precondition, const LbfgsOptions& options) {
  const c10::NoGradGuard no_gradient;
  Trial here{0.0, 0.0, 0.0, start.clone(), at::empty_like(start)};
  here.value = function(here.point, here.gradient);
  History history(precondition, options.history);
  std::int64_t iterations = 0;
  bool converged = largest(here.gradient) < options.gradient_tolerance;
  while (!converged && iterations < options.max_iterations) {
    const at::Tensor direction = history.direction(here.gradient);
    here.slope = inner(here.gradient, direction);
    std::optional<Trial> next = LineSearch(function, here, direction, options.value_noise).run();
    if (!next) break;
    history.add(next->point.sub(here.point), next->gradient.sub(here.gradient));
    here = std::move(*next);
    here.step = 0.0;
    ++iterations;
    converged = largest(here.gradient) < options.gradient_tolerance;
  }
  return {here.point, here.value, iterations, converged};
}

}  // namespace simclr
