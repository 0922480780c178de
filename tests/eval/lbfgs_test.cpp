#include "simclr/eval/lbfgs.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace simclr {
namespace {

constexpr double kTolerance = 1e-6;  // ten times the gradient tolerance over the least curvature

at::Tensor unchanged(const at::Tensor& vector) { return vector.clone(); }

/// Half of sum c_i (p_i - i)^2 with curvatures from 1 to 1000.
double bowl(const at::Tensor& point, at::Tensor& gradient) {
  const at::Tensor curvature = at::logspace(0, 3, point.numel(), 10.0, at::kDouble);
  const at::Tensor away = point - at::arange(point.numel(), at::kDouble);
  gradient.copy_(curvature * away);
  return 0.5 * (curvature * away * away).sum().item<double>();
}

double rosenbrock(const at::Tensor& point, at::Tensor& gradient) {
  const double x = point[0].item<double>();
  const double y = point[1].item<double>();
  gradient[0] = -2 * (1 - x) - 400 * x * (y - x * x);
  gradient[1] = 200 * (y - x * x);
  return (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x);
}

TEST(Lbfgs, FindsTheBottomOfABowl) {
  const at::Tensor start = at::zeros({20}, at::kDouble);
  const LbfgsResult found = minimize_lbfgs(bowl, start, unchanged, {.gradient_tolerance = 1e-7});
  EXPECT_TRUE(found.converged);
  EXPECT_LT((found.point - at::arange(20, at::kDouble)).abs().max().item<double>(), kTolerance);
  EXPECT_LT(found.iterations, 300);  // steepest descent needs some ten thousand
  EXPECT_EQ(start.abs().max().item<double>(), 0.0);
}

TEST(Lbfgs, NeedsOneStepWithTheTrueInverseHessian) {
  const auto inverse = [](const at::Tensor& vector) {
    return vector / at::logspace(0, 3, vector.numel(), 10.0, at::kDouble);
  };
  const LbfgsResult found = minimize_lbfgs(bowl, at::zeros({20}, at::kDouble), inverse, {});
  EXPECT_TRUE(found.converged);
  EXPECT_EQ(found.iterations, 1);
}

TEST(Lbfgs, FollowsACurvedValley) {
  const at::Tensor start = at::tensor({-1.2, 1.0}, at::kDouble);
  const LbfgsResult found =
      minimize_lbfgs(rosenbrock, start, unchanged, {.gradient_tolerance = 1e-9});
  EXPECT_TRUE(found.converged);
  EXPECT_NEAR(found.point[0].item<double>(), 1.0, kTolerance);
  EXPECT_NEAR(found.point[1].item<double>(), 1.0, kTolerance);
  EXPECT_NEAR(found.value, 0.0, kTolerance);
}

TEST(Lbfgs, NeverGoesUp) {
  const at::Tensor start = at::tensor({-1.2, 1.0}, at::kDouble);
  double before = std::numeric_limits<double>::infinity();
  for (std::int64_t iterations = 0; iterations < 30; ++iterations) {
    const LbfgsResult found =
        minimize_lbfgs(rosenbrock, start, unchanged, {.max_iterations = iterations});
    EXPECT_EQ(found.iterations, iterations);
    EXPECT_LT(found.value, before);
    before = found.value;
  }
}

TEST(Lbfgs, ConvergesThroughNoiseOfKnownSize) {
  constexpr double kNoise = 1e-4;
  const auto noisy = [](const at::Tensor& point, at::Tensor& gradient) {
    const double value = bowl(point, gradient);
    return value + 0.5 * kNoise * std::sin(1e9 * point[1].item<double>());
  };
  const at::Tensor start = at::zeros({20}, at::kDouble);
  EXPECT_FALSE(minimize_lbfgs(noisy, start, unchanged, {}).converged);
  EXPECT_TRUE(minimize_lbfgs(noisy, start, unchanged, {.value_noise = kNoise}).converged);
}

TEST(Lbfgs, SaysWhenItWasStopped) {
  const at::Tensor start = at::zeros({20}, at::kDouble);
  EXPECT_FALSE(minimize_lbfgs(bowl, start, unchanged, {.max_iterations = 3}).converged);
  const LbfgsResult none = minimize_lbfgs(bowl, start, unchanged, {.max_iterations = 0});
  EXPECT_TRUE(at::equal(none.point, start));
  EXPECT_FALSE(none.converged);
}

TEST(Lbfgs, StaysWhereTheGradientIsZero) {
  const at::Tensor bottom = at::arange(20, at::kDouble);
  const LbfgsResult found = minimize_lbfgs(bowl, bottom, unchanged, {});
  EXPECT_TRUE(found.converged);
  EXPECT_EQ(found.iterations, 0);
}

TEST(Lbfgs, StopsAtValuesThatAreNotNumbers) {
  const auto broken = [](const at::Tensor& point, at::Tensor& gradient) {
    gradient.fill_(std::nan(""));
    return std::nan("") * point[0].item<double>();
  };
  EXPECT_FALSE(minimize_lbfgs(broken, at::ones({2}, at::kDouble), unchanged, {}).converged);
}

}  // namespace
}  // namespace simclr
