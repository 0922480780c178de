#include <ATen/ops/linalg_vector_norm.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "simclr/core/files.h"
#include "simclr/model/simclr_model.h"
#include "tests/model/pattern.h"

namespace simclr {
namespace {

using Json = nlohmann::json;

/// In f64 both sides do the same arithmetic; the golden values have nine digits, of numbers that
/// may be a few times their tensor's root mean square.
constexpr double kExact = 2e-8;
/// In f32, sums of 18 to 50 layers, and batch norm over four images whose deviation may be small by
/// chance: PyTorch's own f32 is 3e-4 from its f64.
constexpr double kForwardTolerance = 1e-3;
/// A ReLU's input within rounding of zero may fall on the other side, and takes its part of the
/// gradient with it: PyTorch's own f32 gradients are up to 4 % from f64 in norm.
constexpr double kKinkTolerance = 0.1;
/// Root mean squares below this count as this: a bias before batch norm has a gradient of exactly
/// zero, and both sides have their own rounding around it.
constexpr double kZero = 1e-5;

constexpr std::int64_t kClasses = 10;

template <class E>
E choice(const Json& name) {
  for (const auto& [value, text] : EnumNames<E>::table)
    if (text == name.get<std::string>()) return value;
  throw std::runtime_error("no such choice");
}

SimclrModel model_of(const Json& golden) {
  ModelSettings settings;
  settings.arch = choice<Arch>(golden.at("arch"));
  settings.stem = choice<Stem>(golden.at("stem"));
  settings.width = 0.25;
  settings.head_hidden = 24;
  settings.projection_dim = 12;
  if (golden.at("head") == "supervised") return SimclrModel::supervised(settings, kClasses, 0);
  settings.head = choice<Head>(golden.at("head"));
  return SimclrModel::contrastive(settings, 0);
}

/// The model in f64, as the golden values are.
void make_f64(SimclrModel& model) {
  for (const std::vector<NamedTensor>& group : {model.parameters(), model.buffers()}) {
    for (const auto& [name, tensor] : group) {
      if (tensor.is_floating_point()) tensor.set_data(tensor.to(at::kDouble));
    }
  }
}

/// Norm, and four elements spread over the tensor in row-major order.
std::vector<double> summary(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(at::kDouble).contiguous().flatten();
  const std::int64_t n = flat.numel();
  std::vector<double> values{at::linalg_vector_norm(flat).item<double>()};
  for (const std::int64_t i : {std::int64_t{0}, n / 3, n / 2, n - 1})
    values.push_back(flat.data_ptr<double>()[i]);
  return values;
}

/// Largest difference from a golden summary, of the tensor's root mean square.
double distance(const at::Tensor& tensor, const Json& golden) {
  const auto expected = golden.get<std::vector<double>>();
  const std::vector<double> found = summary(tensor);
  const double root = std::sqrt(static_cast<double>(tensor.numel()));
  const double rms = std::max(expected[0] / root, kZero);
  double largest = std::abs(found[0] - expected[0]) / root;
  for (std::size_t i = 1; i < expected.size(); ++i)
    largest = std::max(largest, std::abs(found[i] - expected[i]));
  return largest / rms;
}

/// Largest difference of the first elements, of their root mean square.
double distance_of_start(const at::Tensor& tensor, const Json& golden) {
  const auto expected = golden.get<std::vector<double>>();
  const at::Tensor flat = tensor.detach().to(at::kDouble).flatten();
  double largest = 0.0;
  double squares = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(flat.data_ptr<double>()[i] - expected[i]));
    squares += expected[i] * expected[i];
  }
  return largest / std::sqrt(squares / static_cast<double>(expected.size()));
}

/// One training pass forward and back; everything but the gradients is compared.
void expect_pass(SimclrModel& model, const Json& golden, at::ScalarType type, double tolerance) {
  model.set_training(true);
  const at::Tensor views = patterned_views(4, 32).to(type);
  const at::Tensor features = model.encode(views);
  const at::Tensor output = model.project(features);
  EXPECT_LT(distance(features, golden.at("features")), tolerance);
  EXPECT_LT(distance_of_start(output, golden.at("output")), tolerance);

  output.mul(patterned(output.sizes(), kLossStream)).sum().backward();
  ASSERT_EQ(model.buffers().size(), golden.at("buffers").size());
  for (const auto& [name, buffer] : model.buffers())
    EXPECT_LT(distance(buffer, golden.at("buffers").at(name)), tolerance) << name;

  model.set_training(false);
  EXPECT_LT(distance_of_start(model.project(model.encode(views)), golden.at("eval")), tolerance);
}

class ModelGolden : public testing::TestWithParam<std::size_t> {
 protected:
  const Json golden_ = Json::parse(read_file(SIMCLR_GOLDEN_DIR "/model.json")).at(GetParam());
  const std::string name_ = golden_.at("arch").get<std::string>() + " " +
                            golden_.at("stem").get<std::string>() + " " +
                            golden_.at("head").get<std::string>();
};

TEST_P(ModelGolden, ForwardGradientsAndStatisticsEqualPyTorchInF64) {
  SCOPED_TRACE(name_);
  SimclrModel model = model_of(golden_);
  fill_with_patterns(model);
  make_f64(model);
  expect_pass(model, golden_, at::kDouble, kExact);
  const Json& gradients = golden_.at("gradients");
  ASSERT_EQ(model.parameters().size(), gradients.size());
  for (const auto& [name, parameter] : model.parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    EXPECT_LT(distance(parameter.grad(), gradients.at(name)), kExact) << name;
  }
}

TEST_P(ModelGolden, ForwardGradientNormsAndStatisticsAreNearInF32) {
  SCOPED_TRACE(name_);
  SimclrModel model = model_of(golden_);
  fill_with_patterns(model);
  expect_pass(model, golden_, at::kFloat, kForwardTolerance);
  for (const auto& [name, parameter] : model.parameters()) {
    const double expected = golden_.at("gradients").at(name).at(0).get<double>();
    if (expected < kZero) continue;
    EXPECT_NEAR(summary(parameter.grad())[0] / expected, 1.0, kKinkTolerance) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, ModelGolden, testing::Range(std::size_t{0}, std::size_t{8}));

}  // namespace
}  // namespace simclr
