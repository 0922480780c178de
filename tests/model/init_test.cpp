#include <ATen/ops/equal.h>
#include <ATen/ops/std.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "simclr/core/random.h"
#include "simclr/model/simclr_model.h"

namespace simclr {
namespace {

/// Half a percent of a deviation: five standard errors of the smallest tensor that is tested, which
/// has 500,000 elements.
constexpr double kDeviationTolerance = 0.005;

/// A ResNet-18 of full size, made once.
const SimclrModel& resnet18() {
  static const SimclrModel model = SimclrModel::contrastive({}, 3);
  return model;
}

std::map<std::string, at::Tensor> by_name(const SimclrModel& model) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : model.parameters()) tensors[name] = tensor.detach();
  return tensors;
}

TEST(InitialWeights, ConvolutionsAreHeNormalByFanOut) {
  for (const auto& [name, weight] : by_name(resnet18())) {
    if (weight.dim() != 4 || weight.numel() < 500'000) continue;
    const double expected =
        std::sqrt(2.0 / static_cast<double>(weight.size(0) * weight.size(2) * weight.size(3)));
    EXPECT_NEAR(at::std(weight).item<double>() / expected, 1.0, kDeviationTolerance) << name;
    EXPECT_NEAR(weight.mean().item<double>() / expected, 0.0, kDeviationTolerance) << name;
  }
}

TEST(InitialWeights, LinearLayersFillTheirRange) {
  const auto tensors = by_name(resnet18());
  const double bound = 1.0 / std::sqrt(512.0);
  for (const std::string name : {"head.0.weight", "head.0.bias", "head.3.weight", "head.3.bias"}) {
    EXPECT_LE(tensors.at(name).abs().max().item<float>(), static_cast<float>(bound)) << name;
    EXPECT_GT(tensors.at(name).max().item<double>(), 0.9 * bound) << name;
    EXPECT_LT(tensors.at(name).min().item<double>(), -0.9 * bound) << name;
  }
}

TEST(InitialWeights, BatchNormStartsAtOneAndZero) {
  const SimclrModel& model = resnet18();
  for (const auto& [name, parameter] : model.parameters()) {
    if (name.find("bn") == std::string::npos && name.find("head.1") == std::string::npos) continue;
    EXPECT_TRUE(parameter.eq(name.ends_with("weight") ? 1 : 0).all().item<bool>()) << name;
  }
  for (const auto& [name, buffer] : model.buffers())
    EXPECT_TRUE(buffer.eq(name.ends_with("running_var") ? 1 : 0).all().item<bool>()) << name;
}

TEST(InitialWeights, AreDrawnInRowMajorOrderFromTheKeyOfTheirPosition) {
  const std::vector<NamedTensor> parameters = resnet18().parameters();
  const auto index = static_cast<std::uint32_t>(parameters.size() - 4);
  ASSERT_EQ(parameters[0].name, "encoder.conv1.weight");
  ASSERT_EQ(parameters[index + 3].name, "head.3.bias");

  Random first({.seed = 3, .purpose = Purpose::kInit, .sample = 0});
  const at::Tensor conv = parameters[0].tensor.detach().contiguous();
  const float deviation = std::sqrt(2.0F / (64 * 7 * 7));
  for (std::int64_t i = 0; i < conv.numel(); ++i)
    ASSERT_EQ(conv.data_ptr<float>()[i], deviation * first.normal());

  Random last({.seed = 3, .purpose = Purpose::kInit, .sample = index + 3});
  const float bound = 1.0F / std::sqrt(512.0F);
  for (std::int64_t i = 0; i < 128; ++i)
    ASSERT_EQ(parameters[index + 3].tensor.data_ptr<float>()[i], last.uniform(-bound, bound));
}

TEST(InitialWeights, EqualSeedsGiveEqualBitsAndOthersDiffer) {
  ModelSettings settings;
  settings.width = 0.25;
  const auto one = by_name(SimclrModel::contrastive(settings, 1));
  const auto again = by_name(SimclrModel::contrastive(settings, 1));
  const auto other = by_name(SimclrModel::contrastive(settings, 2));
  for (const auto& [name, tensor] : one) {
    EXPECT_TRUE(at::equal(tensor, again.at(name))) << name;
    const bool drawn = tensor.dim() > 1 || name == "head.0.bias" || name == "head.3.bias";
    EXPECT_EQ(at::equal(tensor, other.at(name)), !drawn) << name;
  }
}

TEST(InitialWeights, EncoderIsTheSameUnderEveryHead) {
  ModelSettings settings;
  settings.width = 0.25;
  const auto contrastive = by_name(SimclrModel::contrastive(settings, 1));
  for (const auto& [name, tensor] : by_name(SimclrModel::supervised(settings, 10, 1))) {
    if (!name.starts_with("encoder.")) continue;
    EXPECT_TRUE(at::equal(tensor, contrastive.at(name))) << name;
  }
}

}  // namespace
}  // namespace simclr
