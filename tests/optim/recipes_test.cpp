#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "simclr/optim/optimizer.h"
#include "tests/optim/one_thread.h"

namespace simclr {
namespace {

constexpr double kF64Tolerance = 1e-12;  // 1,000 steps of roundings in a contracting map
constexpr double kF32Tolerance = 2e-5;   // the same in f32; Adam divides by a root

/// A weight, a bias, a weight of zeros and one of a single vector lane and a bit.
std::vector<OptimizedParameter> some_parameters(at::ScalarType type = at::kDouble) {
  const auto wave = [&](at::IntArrayRef sizes) {
    return at::arange(c10::multiply_integers(sizes), at::kDouble).sin().view(sizes).to(type);
  };
  return {{"conv.weight", wave({3, 5})},
          {"conv.bias", wave({3})},
          {"zero.weight", at::zeros({2, 2}, type)},
          {"last.weight", wave({1, 17})}};
}

/// Slope of a shaken bowl.
at::Tensor gradient_at(const at::Tensor& parameter, int t) {
  const at::Tensor index = at::arange(parameter.numel(), at::kDouble);
  const at::Tensor slope = parameter.detach().reshape({-1}).to(at::kDouble) + (index + t).cos() / 2;
  return slope.view(parameter.sizes()).to(parameter.scalar_type());
}

void give_gradients(std::vector<OptimizedParameter>& parameters, int t) {
  for (OptimizedParameter& parameter : parameters)
    parameter.tensor.mutable_grad() = gradient_at(parameter.tensor, t);
}

void train(const OptimSettings& settings, std::vector<OptimizedParameter> parameters, double lr,
           int steps) {
  const auto optimizer = make_optimizer(settings, parameters);
  for (int t = 0; t < steps; ++t) {
    give_gradients(parameters, t);
    optimizer->step(lr);
  }
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

double largest_difference(const std::vector<OptimizedParameter>& a,
                          const std::vector<OptimizedParameter>& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, largest_difference(a[i].tensor, b[i].tensor));
  return largest;
}

OptimSettings lars(bool nesterov = false) {
  OptimSettings settings;
  settings.optimizer = OptimizerKind::kLars;
  settings.weight_decay = 0.02;
  settings.lars_trust = 0.01;
  settings.nesterov = nesterov;
  return settings;
}

/// LARS element by element, as SimCLR's code has it: the rate inside the momentum.
void lars_oracle(const std::vector<OptimizedParameter>& parameters, double lr, int steps,
                 bool nesterov) {
  for (const OptimizedParameter& parameter : parameters) {
    const bool bias = parameter.name == "conv.bias";
    const auto count = static_cast<std::size_t>(parameter.tensor.numel());
    double* w = parameter.tensor.data_ptr<double>();
    std::vector<double> v(count, 0.0);
    for (int t = 0; t < steps; ++t) {
      const at::Tensor slope = gradient_at(parameter.tensor, t);
      std::vector<double> g(count);
      double w_norm = 0.0;
      double g_norm = 0.0;
      for (std::size_t i = 0; i < count; ++i) {
        g[i] = slope.data_ptr<double>()[i] + (bias ? 0.0 : 0.02) * w[i];
        w_norm += w[i] * w[i];
        g_norm += g[i] * g[i];
      }
      w_norm = std::sqrt(w_norm);
      g_norm = std::sqrt(g_norm);
      const double trust = !bias && w_norm > 0 && g_norm > 0 ? 0.01 * w_norm / g_norm : 1.0;
      for (std::size_t i = 0; i < count; ++i) {
        v[i] = 0.9 * v[i] + lr * trust * g[i];
        w[i] -= nesterov ? 0.9 * v[i] + lr * trust * g[i] : v[i];
      }
    }
  }
}

TEST(Lars, EqualsTheLoopOracleOver1000Steps) {
  const OneThread quick;
  for (const bool nesterov : {false, true}) {
    const auto expected = some_parameters();
    lars_oracle(expected, 0.1, 1000, nesterov);
    const auto in_f64 = some_parameters();
    train(lars(nesterov), in_f64, 0.1, 1000);
    EXPECT_LT(largest_difference(in_f64, expected), kF64Tolerance);
    const auto in_f32 = some_parameters(at::kFloat);
    train(lars(nesterov), in_f32, 0.1, 1000);
    EXPECT_LT(largest_difference(in_f32, expected), kF32Tolerance);
  }
}

TEST(Lars, MovesAWeightByTrustTimesItsNormWhateverTheGradientsSize) {
  OptimSettings settings = lars();
  settings.weight_decay = 0.0;
  for (const double size : {1e-6, 1.0, 1e6}) {
    at::Tensor weight = at::full({2, 2}, 3.0, at::kDouble);
    weight.mutable_grad() = at::full({2, 2}, size, at::kDouble);
    make_optimizer(settings, {{"w", weight}})->step(0.5);
    EXPECT_NEAR(weight[0][0].item<double>(), 3.0 - 0.5 * 0.01 * 3.0, kF64Tolerance);
  }
}

TEST(Optimizer, InF32FollowsF64Over1000Steps) {
  const OneThread quick;
  std::vector<OptimSettings> all(4);
  all[0].optimizer = OptimizerKind::kAdam;
  all[1].optimizer = OptimizerKind::kAdamW;
  all[2].optimizer = OptimizerKind::kSgd;
  all[2].nesterov = true;
  all[3].optimizer = OptimizerKind::kSgd;
  all[3].momentum = 0.0;
  for (OptimSettings& settings : all) {
    settings.weight_decay = 0.01;
    settings.weight_decay_exclude = DecayExclusion::kNormBias;
    settings.clip_norm = 0.8;
    const auto in_f64 = some_parameters();
    const auto in_f32 = some_parameters(at::kFloat);
    train(settings, in_f64, 0.01, 1000);
    train(settings, in_f32, 0.01, 1000);
    EXPECT_LT(largest_difference(in_f32, in_f64), kF32Tolerance) << name_of(settings.optimizer);
  }
}

TEST(WeightDecay, SparesVectorsWhereAskedAndAlwaysWithLars) {
  const at::Tensor weight = at::ones({4, 3, 3, 3});
  const at::Tensor vector = at::ones({4});
  OptimSettings settings;
  for (const auto kind : {OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kSgd}) {
    settings.optimizer = kind;
    settings.weight_decay_exclude = DecayExclusion::kNone;
    EXPECT_FALSE(is_excluded_from_decay(settings, vector));
    settings.weight_decay_exclude = DecayExclusion::kNormBias;
    EXPECT_TRUE(is_excluded_from_decay(settings, vector));
    EXPECT_FALSE(is_excluded_from_decay(settings, weight));
  }
  EXPECT_TRUE(is_excluded_from_decay(lars(), vector));
  EXPECT_FALSE(is_excluded_from_decay(lars(), weight));
}

TEST(WeightDecay, LeavesWhatItSparesWhereItIs) {
  for (const auto kind :
       {OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kSgd, OptimizerKind::kLars})
    for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
      OptimSettings settings;
      settings.optimizer = kind;
      settings.weight_decay = 0.1;
      settings.weight_decay_exclude = DecayExclusion::kNormBias;
      at::Tensor weight = at::ones({2, 3}, type);
      at::Tensor bias = at::ones({3}, type);
      weight.mutable_grad() = at::zeros({2, 3}, type);
      bias.mutable_grad() = at::zeros({3}, type);
      make_optimizer(settings, {{"weight", weight}, {"bias", bias}})->step(0.1);
      EXPECT_TRUE(at::equal(bias, at::ones({3}, type))) << name_of(kind) << ' ' << type;
      EXPECT_LT(weight.max().item<double>(), 1.0) << name_of(kind) << ' ' << type;
    }
}

TEST(GradientNorm, IsOfAllParametersTogether) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    at::Tensor a = at::ones({2, 2}, type);
    at::Tensor b = at::ones({1}, type);
    a.mutable_grad() = at::full({2, 2}, 3.0, type);
    b.mutable_grad() = at::full({1}, -8.0, type);
    EXPECT_DOUBLE_EQ(make_optimizer({}, {{"a", a}, {"b", b}})->gradient_norm(), 10.0);
  }
}

/// What plain descent with rate 1 takes off two parameters whose gradients have norm 10.
std::vector<double> clipped_steps(double clip_norm, at::ScalarType type) {
  OptimSettings settings;
  settings.optimizer = OptimizerKind::kSgd;
  settings.momentum = 0.0;
  settings.clip_norm = clip_norm;
  at::Tensor a = at::zeros({1}, type);
  at::Tensor b = at::zeros({1}, type);
  a.mutable_grad() = at::full({1}, 6.0, type);
  b.mutable_grad() = at::full({1}, -8.0, type);
  make_optimizer(settings, {{"a", a}, {"b", b}})->step(1.0);
  EXPECT_EQ(a.grad().item<double>(), 6.0);
  return {-a.item<double>(), -b.item<double>()};
}

TEST(Clipping, ScalesLongGradientsToTheNormAsPyTorch) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    const double scale = 5.0 / (10.0 + 1e-6);  // torch.nn.utils.clip_grad_norm_
    EXPECT_NEAR(clipped_steps(5.0, type)[0], 6.0 * scale, type == at::kDouble ? 1e-14 : 1e-6);
    EXPECT_NEAR(clipped_steps(5.0, type)[1], -8.0 * scale, type == at::kDouble ? 1e-14 : 1e-6);
  }
}

TEST(Clipping, LeavesShortGradientsAndZeroMeansNever) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat})
    for (const double clip_norm : {0.0, 10.1, 1e9})
      EXPECT_EQ(clipped_steps(clip_norm, type), (std::vector<double>{6.0, -8.0})) << clip_norm;
}

TEST(Clipping, KeepsAGradientThatIsNotANumberVisible) {
  OptimSettings settings;
  settings.clip_norm = 1.0;
  at::Tensor weight = at::zeros({2, 2});
  weight.mutable_grad() = at::full({2, 2}, std::numeric_limits<float>::quiet_NaN());
  make_optimizer(settings, {{"w", weight}})->step(0.1);
  EXPECT_TRUE(weight.isnan().all().item<bool>());
}

TEST(Clipping, GivesTheSameBitsForAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  OptimSettings settings = lars();
  settings.clip_norm = 0.5;
  std::vector<at::Tensor> results;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    at::Tensor weight = at::arange(200'003, at::kFloat).sin().view({1, -1});
    train(settings, {{"w", weight}}, 0.1, 3);
    results.push_back(weight);
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(results[0], results[1]));
  EXPECT_TRUE(at::equal(results[0], results[2]));
}

}  // namespace
}  // namespace simclr
