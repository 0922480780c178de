#include "simclr/model/native_encoder.h"

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "simclr/model/simclr_model.h"
#include "tests/model/pattern.h"
#include "tests/support/expect_error.h"
#include "tests/support/small_network.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

/// A relu's input within rounding of zero may fall on either side, for LibTorch as for us, and each
/// has its own luck: what the engine's error may be of LibTorch's f32, exact and with F(4, 3).
constexpr double kTimesTorch = 3.0;
constexpr double kTimesTorchF4 = 30.0;

struct Case {
  Arch arch = Arch::kResNet18;
  Stem stem = Stem::kImageNet;
  std::int64_t side = 32;
  std::int64_t batch = 16;
  ConvKind conv = ConvKind::kAuto;
};

std::string text_of(const Case& c) {
  return std::string(name_of(c.arch)) + ", " + std::string(name_of(c.stem)) + ", side " +
         std::to_string(c.side) + ", batch " + std::to_string(c.batch) + ", conv " +
         std::string(name_of(c.conv));
}

SimclrModel model_of(const Case& c, EngineKind engine) {
  ModelSettings settings = small_network();
  settings.arch = c.arch;
  settings.stem = c.stem;
  settings.engine = engine;
  settings.conv = c.conv;
  return SimclrModel::contrastive(settings, 3);
}

void make_f64(SimclrModel& model) {
  for (const std::vector<NamedTensor>& group : {model.parameters(), model.buffers()})
    for (const auto& [name, tensor] : group)
      if (tensor.is_floating_point()) tensor.set_data(tensor.to(at::kDouble));
}

/// What a training step and an evaluation bring forth.
struct Outcome {
  at::Tensor features, evaluated;
  std::vector<at::Tensor> gradients, statistics;
};

Outcome run(SimclrModel& model, const Case& c, at::ScalarType type, double brightness = 1.0) {
  const at::Tensor views = patterned_views(c.batch, c.side).mul(brightness).to(type);
  model.set_training(true);
  Outcome outcome;
  outcome.features = model.encode(views);
  const at::Tensor z = model.project(outcome.features);
  z.mul(patterned(z.sizes(), kLossStream).to(type)).sum().backward();
  for (const auto& [name, parameter] : model.parameters())
    outcome.gradients.push_back(parameter.grad());
  for (const auto& [name, buffer] : model.buffers()) outcome.statistics.push_back(buffer.clone());
  model.set_training(false);
  const c10::NoGradGuard no_gradient;
  outcome.evaluated = model.encode(views);
  return outcome;
}

/// Norm of all differences over the norm of all references.
double error(const std::vector<at::Tensor>& found, const std::vector<at::Tensor>& expected) {
  double differences = 0.0, reference = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const at::Tensor e = expected[i].detach().to(at::kDouble);
    const at::Tensor d = found[i].detach().to(at::kDouble).sub(e);
    differences += d.mul(d).sum().item<double>();
    reference += e.mul(e).sum().item<double>();
  }
  return std::sqrt(differences / reference);
}

/// Errors of features, evaluation, gradients and statistics.
using Errors = std::array<double, 4>;

Errors errors_of(const Outcome& found, const Outcome& expected) {
  return {error({found.features}, {expected.features}),
          error({found.evaluated}, {expected.evaluated}),
          error(found.gradients, expected.gradients), error(found.statistics, expected.statistics)};
}

double median(std::array<double, 3> values) {
  std::sort(values.begin(), values.end());
  return values[1];
}

/// The median of three batches: a relu that falls on the other side may spoil one of them.
void expect_near_torch(const Case& c) {
  std::array<Errors, 3> of_torch, of_native;
  for (std::size_t i = 0; i < 3; ++i) {
    const double brightness = 1.0 - 0.2 * static_cast<double>(i);
    SimclrModel exact = model_of(c, EngineKind::kTorch);
    make_f64(exact);
    const Outcome reference = run(exact, c, at::kDouble, brightness);
    SimclrModel torch_model = model_of(c, EngineKind::kTorch);
    of_torch[i] = errors_of(run(torch_model, c, at::kFloat, brightness), reference);
    SimclrModel native_model = model_of(c, EngineKind::kNative);
    of_native[i] = errors_of(run(native_model, c, at::kFloat, brightness), reference);
  }
  const bool f4 = c.conv == ConvKind::kAuto || c.conv == ConvKind::kF4;
  constexpr std::array kNames{"features", "evaluated", "gradients", "statistics"};
  for (std::size_t k = 0; k < kNames.size(); ++k) {
    const double native = median({of_native[0][k], of_native[1][k], of_native[2][k]});
    const double torch = median({of_torch[0][k], of_torch[1][k], of_torch[2][k]});
    EXPECT_LE(native, (f4 ? kTimesTorchF4 : kTimesTorch) * torch)
        << kNames[k] << ": " << text_of(c);
  }
}

TEST(NativeEncoder, IsAsNearToF64AsLibTorchIs) {
  for (const Stem stem : {Stem::kImageNet, Stem::kCifar, Stem::kCifarPool})
    for (const ConvKind conv : {ConvKind::kExact, ConvKind::kF2, ConvKind::kF4, ConvKind::kAuto})
      expect_near_torch({.stem = stem, .conv = conv});
}

TEST(NativeEncoder, TakesOddSidesAndDeepNetworks) {
  for (const std::int64_t side : {33, 50, 64, 96}) expect_near_torch({.side = side, .batch = 8});
  expect_near_torch({.stem = Stem::kCifar, .side = 29, .batch = 4, .conv = ConvKind::kExact});
  expect_near_torch({.arch = Arch::kResNet34, .batch = 16});
  expect_near_torch({.arch = Arch::kResNet50, .batch = 16, .conv = ConvKind::kExact});
  expect_near_torch({.arch = Arch::kResNet50, .stem = Stem::kCifarPool, .side = 40, .batch = 6});
}

TEST(NativeEncoder, GivesTheSameBitsForAnyNumberOfThreads) {
  const int before = at::get_num_threads();
  std::vector<Outcome> outcomes;
  for (const int threads : {1, 2, 3, 5}) {
    at::set_num_threads(threads);
    const Case c{.batch = 18};
    SimclrModel model = model_of(c, EngineKind::kNative);
    outcomes.push_back(run(model, c, at::kFloat));
  }
  at::set_num_threads(before);
  for (const Outcome& outcome : outcomes) {
    EXPECT_TRUE(at::equal(outcome.features, outcomes[0].features));
    EXPECT_TRUE(at::equal(outcome.evaluated, outcomes[0].evaluated));
    for (std::size_t i = 0; i < outcome.gradients.size(); ++i)
      EXPECT_TRUE(at::equal(outcome.gradients[i], outcomes[0].gradients[i])) << i;
    for (std::size_t i = 0; i < outcome.statistics.size(); ++i)
      EXPECT_TRUE(at::equal(outcome.statistics[i], outcomes[0].statistics[i])) << i;
  }
}

TEST(NativeEncoder, SeesWeightsThatWereCopiedIntoItsParameters) {
  const c10::NoGradGuard no_gradient;
  SimclrModel model = model_of({}, EngineKind::kNative);
  model.set_training(false);
  const at::Tensor views = patterned_views(4, 32);
  const at::Tensor before = model.encode(views);
  at::Tensor weight = model.parameters()[3].tensor;
  weight.copy_(weight.mul(2.0));
  const at::Tensor after = model.encode(views);
  EXPECT_FALSE(at::equal(after, before));
  weight.div_(2.0);
  EXPECT_TRUE(at::equal(model.encode(views), before));
}

TEST(NativeEncoder, TwoForwardsMayComeBeforeABackward) {
  SimclrModel model = model_of({}, EngineKind::kNative);
  model.set_training(false);
  const at::Tensor first = patterned_views(6, 32);
  const at::Tensor second = first.flip(0);
  const auto gradient_of = [&](const at::Tensor& h) {
    for (const auto& [name, parameter] : model.parameters()) parameter.mutable_grad().reset();
    h.sum().backward();
    return model.parameters()[0].tensor.grad().clone();
  };
  const at::Tensor alone = gradient_of(model.encode(first));
  const at::Tensor h1 = model.encode(first);
  const at::Tensor h2 = model.encode(second);
  EXPECT_TRUE(at::equal(gradient_of(h1), alone));
  EXPECT_FALSE(at::equal(gradient_of(h2), alone));
}

TEST(NativeEncoder, ASecondBackwardOrChangedWeightsAreErrors) {
  SimclrModel model = model_of({}, EngineKind::kNative);
  model.set_training(true);
  const at::Tensor views = patterned_views(6, 32);
  const at::Tensor h = model.encode(views);
  h.sum().backward({}, /*retain_graph=*/true);
  EXPECT_TRUE(contains(torch_error_of([&] { h.sum().backward(); }),
                       "[encode] expected one backward pass for each forward pass"));
  const at::Tensor again = model.encode(views);
  {
    const c10::NoGradGuard no_gradient;
    model.parameters()[0].tensor.mul_(1.5);
  }
  EXPECT_TRUE(contains(torch_error_of([&] { again.sum().backward(); }),
                       "[encode] a parameter was changed between forward and backward"));
}

TEST(NativeEncoder, SaysHowItComputes) {
  EXPECT_EQ(model_of({}, EngineKind::kTorch).describe_engine(32), "torch");
  EXPECT_EQ(model_of({}, EngineKind::kNative).describe_engine(32),
            "native, convolutions 3 map2, 7 f4, 9 direct");
  EXPECT_EQ(model_of({.conv = ConvKind::kExact}, EngineKind::kAuto).describe_engine(32),
            "native, convolutions 19 direct");
}

}  // namespace
}  // namespace simclr
