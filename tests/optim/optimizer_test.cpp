#include "simclr/optim/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/optim/one_thread.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr int kSteps = 1000;
constexpr std::int64_t kCount = 21;      // odd, so that vectorised loops have a remainder
constexpr double kF64Tolerance = 1e-12;  // 1,000 steps of roundings in a contracting map
constexpr double kF32Tolerance = 1e-5;   // Adam divides by a root: some digits of f32 are lost

OptimSettings settings_of(OptimizerKind kind, double momentum = 0.9, double weight_decay = 0.0) {
  OptimSettings settings;
  settings.optimizer = kind;
  settings.momentum = momentum;
  settings.weight_decay = weight_decay;
  return settings;
}

OptimSettings nesterov(OptimizerKind kind) {
  OptimSettings settings = settings_of(kind, 0.9, 0.01);
  settings.nesterov = true;
  return settings;
}

double rate_at(int t) { return t % 2 == 0 ? 0.01 : 0.02; }

/// The shaken bowl of tests/golden/make_optimizers.py.
at::Tensor gradient_at(const at::Tensor& parameter, int t) {
  const at::Tensor index = at::arange(parameter.numel(), at::kDouble);
  const at::Tensor slope =
      (1 + index.remainder(3)) * parameter.detach().reshape({-1}).to(at::kDouble) +
      (index + t).cos() / 2;
  return slope.view(parameter.sizes()).to(parameter.scalar_type());
}

at::Tensor start_values(std::int64_t count = kCount, at::ScalarType type = at::kDouble) {
  return at::arange(count, at::kDouble).sin().to(type);
}

void train(Optimizer& optimizer, at::Tensor parameter, int first, int last) {
  for (int t = first; t < last; ++t) {
    parameter.mutable_grad() = gradient_at(parameter, t);
    optimizer.step(rate_at(t));
  }
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

const std::vector<OptimSettings>& all_settings() {
  static const std::vector<OptimSettings> all{settings_of(OptimizerKind::kAdam),
                                              settings_of(OptimizerKind::kAdam, 0.9, 0.01),
                                              settings_of(OptimizerKind::kAdamW, 0.9, 0.01),
                                              settings_of(OptimizerKind::kSgd, 0.0),
                                              settings_of(OptimizerKind::kSgd, 0.9),
                                              settings_of(OptimizerKind::kSgd, 0.9, 0.01),
                                              nesterov(OptimizerKind::kSgd),
                                              settings_of(OptimizerKind::kLars, 0.9, 0.01),
                                              settings_of(OptimizerKind::kLars, 0.0),
                                              nesterov(OptimizerKind::kLars)};
  return all;
}

OptimSettings settings_of(const nlohmann::json& golden) {
  const std::string name = golden["optimizer"];
  const auto kind = name == "adam"    ? OptimizerKind::kAdam
                    : name == "adamw" ? OptimizerKind::kAdamW
                                      : OptimizerKind::kSgd;
  OptimSettings settings = settings_of(kind, golden["momentum"], golden["weight_decay"]);
  settings.nesterov = golden["nesterov"];
  return settings;
}

TEST(Optimizer, EqualsTorchOptimOver1000Steps) {
  const OneThread quick;
  std::ifstream file(SIMCLR_GOLDEN_DIR "/optimizers.json");
  const nlohmann::json cases = nlohmann::json::parse(file);
  ASSERT_EQ(cases.size(), 7U);
  for (const auto& golden : cases)
    for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
      at::Tensor parameter = start_values(kCount, type);
      const auto optimizer = make_optimizer(settings_of(golden), {{"p", parameter}});
      train(*optimizer, parameter, 0, kSteps);

      const double tolerance = type == at::kDouble ? kF64Tolerance : kF32Tolerance;
      const auto expected = golden["parameter"].get<std::vector<double>>();
      EXPECT_LT(largest_difference(parameter, at::tensor(expected, at::kDouble)), tolerance);
      const auto state = optimizer->state();
      for (const auto& [name, values] : golden["state"].items()) {
        if (name == "step") {
          EXPECT_EQ(state.at("step").item<double>(), values.get<double>());
          continue;
        }
        const at::Tensor buffer = at::tensor(values.get<std::vector<double>>(), at::kDouble);
        EXPECT_LT(largest_difference(state.at(name + ".p"), buffer), tolerance) << name;
      }
    }
}

TEST(Adam, EqualsTheLoopOracle) {
  at::Tensor parameter = start_values();
  const auto optimizer =
      make_optimizer(settings_of(OptimizerKind::kAdam, 0.9, 0.01), {{"p", parameter}});
  std::vector<double> p(kCount);
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = std::sin(static_cast<double>(i));
  std::vector<double> mean(kCount, 0.0);
  std::vector<double> square(kCount, 0.0);
  for (int t = 0; t < 50; ++t) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double g = static_cast<double>(1 + i % 3) * p[i] +
                       std::cos(static_cast<double>(i) + t) / 2 + 0.01 * p[i];
      mean[i] = 0.9 * mean[i] + 0.1 * g;
      square[i] = 0.999 * square[i] + 0.001 * g * g;
      const double mean_hat = mean[i] / (1 - std::pow(0.9, t + 1));
      const double square_hat = square[i] / (1 - std::pow(0.999, t + 1));
      p[i] -= rate_at(t) * mean_hat / (std::sqrt(square_hat) + 1e-8);
    }
  }
  train(*optimizer, parameter, 0, 50);
  EXPECT_LT(largest_difference(parameter, at::tensor(p, at::kDouble)), kF64Tolerance);
}

TEST(Sgd, EqualsTheLoopOracle) {
  at::Tensor parameter = start_values();
  const auto optimizer =
      make_optimizer(settings_of(OptimizerKind::kSgd, 0.8, 0.01), {{"p", parameter}});
  std::vector<double> p(kCount);
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = std::sin(static_cast<double>(i));
  std::vector<double> velocity(kCount, 0.0);
  for (int t = 0; t < 50; ++t) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double g = static_cast<double>(1 + i % 3) * p[i] +
                       std::cos(static_cast<double>(i) + t) / 2 + 0.01 * p[i];
      velocity[i] = t == 0 ? g : 0.8 * velocity[i] + g;
      p[i] -= rate_at(t) * velocity[i];
    }
  }
  train(*optimizer, parameter, 0, 50);
  EXPECT_LT(largest_difference(parameter, at::tensor(p, at::kDouble)), kF64Tolerance);
}

TEST(Adam, FirstStepIsTheRateWhateverTheGradientsSize) {
  at::Tensor parameter = at::zeros({3}, at::kDouble);
  const auto optimizer = make_optimizer(settings_of(OptimizerKind::kAdam), {{"p", parameter}});
  parameter.mutable_grad() = at::tensor({1e-3, -5.0, 1e4}, at::kDouble);
  optimizer->step(0.1);
  const at::Tensor expected = at::tensor({-0.1, 0.1, -0.1}, at::kDouble);
  EXPECT_LT(largest_difference(parameter, expected), 1e-5);  // eps / gradient is 1e-5 at most
}

TEST(Sgd, FirstMomentumBufferIsTheGradient) {
  at::Tensor parameter = start_values();
  const auto optimizer = make_optimizer(settings_of(OptimizerKind::kSgd), {{"p", parameter}});
  parameter.mutable_grad() = gradient_at(parameter, 0);
  optimizer->step(0.1);
  EXPECT_TRUE(at::equal(optimizer->state().at("momentum_buffer.p"), parameter.grad()));
}

TEST(Optimizer, ResumesBitForBitFromItsState) {
  for (const OptimSettings& settings : all_settings()) {
    at::Tensor straight = start_values(1001, at::kFloat);
    const auto whole = make_optimizer(settings, {{"p", straight}});
    train(*whole, straight, 0, 20);

    at::Tensor first = start_values(1001, at::kFloat);
    const auto before = make_optimizer(settings, {{"p", first}});
    train(*before, first, 0, 10);
    at::Tensor second = first.detach().clone();
    const auto after = make_optimizer(settings, {{"p", second}});
    for (auto& [name, tensor] : after->state()) at::Tensor(tensor).copy_(before->state().at(name));
    train(*after, second, 10, 20);

    EXPECT_TRUE(at::equal(straight, second));
    for (const auto& [name, tensor] : whole->state())
      EXPECT_TRUE(at::equal(tensor, after->state().at(name))) << name;
  }
}

TEST(Optimizer, GivesTheSameBitsForAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  for (const OptimSettings& settings : all_settings()) {
    std::vector<at::Tensor> results;
    for (const int count : {1, 2, 3}) {
      at::set_num_threads(count);
      at::Tensor parameter = start_values(200'003, at::kFloat);
      const auto optimizer = make_optimizer(settings, {{"p", parameter}});
      train(*optimizer, parameter, 0, 3);
      results.push_back(parameter);
    }
    EXPECT_TRUE(at::equal(results[0], results[1]));
    EXPECT_TRUE(at::equal(results[0], results[2]));
  }
  at::set_num_threads(threads);
}

TEST(Optimizer, TakesParametersInAnyMemoryLayout) {
  for (const OptimSettings& settings : all_settings()) {
    at::Tensor rows = start_values(5 * 3 * 3 * 3).view({5, 3, 3, 3}).clone();
    at::Tensor channels_last = rows.clone(at::MemoryFormat::ChannelsLast);
    const auto by_rows = make_optimizer(settings, {{"p", rows}});
    const auto by_channels = make_optimizer(settings, {{"p", channels_last}});
    train(*by_rows, rows, 0, 5);
    train(*by_channels, channels_last, 0, 5);  // gradient_at gives contiguous gradients

    EXPECT_LT(largest_difference(rows, channels_last), kF64Tolerance);
    EXPECT_TRUE(channels_last.is_contiguous(at::MemoryFormat::ChannelsLast));
    for (const auto& [name, tensor] : by_channels->state()) {
      if (name != "step") {
        EXPECT_EQ(tensor.strides(), channels_last.strides()) << name;
      }
      EXPECT_LT(largest_difference(tensor, by_rows->state().at(name)), kF64Tolerance) << name;
    }
  }
}

// Whoever keeps copies of the weights, as the native engine does, goes by their version.
TEST(Optimizer, EveryStepAndNothingElseMakesANewVersionOfEachParameter) {
  for (const OptimSettings& settings : all_settings())
    for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
      at::Tensor weight = start_values(6, type).view({2, 3});
      at::Tensor bias = start_values(3, type);
      const auto optimizer = make_optimizer(settings, {{"w", weight}, {"b", bias}});
      for (int t = 0; t < 3; ++t) {
        weight.mutable_grad() = gradient_at(weight, t);
        bias.mutable_grad() = gradient_at(bias, t);
        const auto weight_before = weight._version();
        const auto bias_before = bias._version();
        EXPECT_GT(optimizer->gradient_norm(), 0.0);
        EXPECT_EQ(weight._version(), weight_before) << name_of(settings.optimizer);
        optimizer->step(0.1);
        EXPECT_GT(weight._version(), weight_before) << name_of(settings.optimizer);
        EXPECT_GT(bias._version(), bias_before) << name_of(settings.optimizer);
      }
    }
}

TEST(Optimizer, UpdatesLeavesThatAutogradWatches) {
  const at::Tensor leaf = at::ones({3}, at::kDouble).requires_grad_();
  const auto optimizer = make_optimizer(settings_of(OptimizerKind::kSgd, 0.0), {{"p", leaf}});
  (leaf * leaf).sum().backward();
  optimizer->step(0.25);
  EXPECT_TRUE(at::equal(leaf.detach(), at::full({3}, 0.5, at::kDouble)));
  EXPECT_TRUE(leaf.is_leaf());
  EXPECT_TRUE(leaf.requires_grad());
}

TEST(Optimizer, NamesItsStateByParameterFromTheStart) {
  const std::vector<OptimizedParameter> parameters{{"b.weight", at::ones({2})},
                                                   {"a.bias", at::ones({1})}};
  const auto names_of = [&](const OptimSettings& settings) {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : make_optimizer(settings, parameters)->state()) {
      names.push_back(name);
      EXPECT_EQ(tensor.abs().sum().item<float>(), 0.0F) << name;
    }
    return names;
  };
  EXPECT_EQ(names_of(settings_of(OptimizerKind::kAdam)),
            (std::vector<std::string>{"exp_avg.a.bias", "exp_avg.b.weight", "exp_avg_sq.a.bias",
                                      "exp_avg_sq.b.weight", "step"}));
  EXPECT_EQ(names_of(settings_of(OptimizerKind::kSgd)),
            (std::vector<std::string>{"momentum_buffer.a.bias", "momentum_buffer.b.weight"}));
  EXPECT_TRUE(names_of(settings_of(OptimizerKind::kSgd, 0.0)).empty());
}

TEST(Optimizer, ForgetsGradients) {
  at::Tensor parameter = at::ones({2});
  parameter.mutable_grad() = at::ones({2});
  const auto optimizer = make_optimizer(settings_of(OptimizerKind::kSgd), {{"p", parameter}});
  optimizer->zero_grad();
  EXPECT_FALSE(parameter.grad().defined());
}

TEST(Optimizer, NamesTheParameterThatHasNoGradient) {
  for (const OptimSettings& settings : all_settings()) {
    at::Tensor with_gradient = at::ones({2});
    with_gradient.mutable_grad() = at::ones({2});
    const auto optimizer =
        make_optimizer(settings, {{"a", with_gradient}, {"head.weight", at::ones({2})}});
    EXPECT_EQ(torch_error_of([&] { optimizer->step(0.1); }),
              "[optimizer] expected a gradient of every parameter, got none of 'head.weight'");
    EXPECT_TRUE(at::equal(with_gradient, at::ones({2})));
    for (const auto& [name, tensor] : optimizer->state())
      EXPECT_EQ(tensor.abs().sum().item<float>(), 0.0F) << name;
  }
}

TEST(Optimizer, RefusesToOptimiseNothing) {
  EXPECT_EQ(torch_error_of([] { make_optimizer(OptimSettings{}, {}); }),
            "[make_optimizer] expected at least one parameter, got none");
}

}  // namespace
}  // namespace simclr
