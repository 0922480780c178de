#include "simclr/optim/weight_average.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr double kF64Tolerance = 1e-14;  // five roundings
constexpr double kF32Tolerance = 1e-6;

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

TEST(WeightAverage, EqualsItsClosedForm) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    at::Tensor weight = at::zeros({3, 7}, type);
    WeightAverage average(0.9, {{"w", weight}});
    weight.fill_(1.0);
    for (int t = 0; t < 5; ++t) average.update();
    const double expected = 1.0 - std::pow(0.9, 5);  // from 0 towards 1
    EXPECT_LT(largest_difference(average.state().at("w"), at::full({3, 7}, expected, at::kDouble)),
              type == at::kDouble ? kF64Tolerance : kF32Tolerance);
    EXPECT_TRUE(at::equal(weight, at::ones({3, 7}, type)));
  }
}

TEST(WeightAverage, StartsAsTheWeightsAndFollowsThemAtOnceWithoutDecay) {
  at::Tensor weight = at::arange(6, at::kFloat).view({2, 3});
  WeightAverage average(0.0, {{"w", weight}});
  EXPECT_TRUE(at::equal(average.state().at("w"), weight));
  weight.add_(1.0);
  EXPECT_FALSE(at::equal(average.state().at("w"), weight));
  average.update();
  EXPECT_TRUE(at::equal(average.state().at("w"), weight));
}

TEST(WeightAverage, TakesEveryLayoutAndLeavesIntegersOut) {
  at::Tensor channels_last = at::arange(2 * 3 * 2 * 2, at::kFloat)
                                 .view({2, 3, 2, 2})
                                 .clone(at::MemoryFormat::ChannelsLast);
  at::Tensor sparse = at::arange(12, at::kFloat).view({3, 4}).slice(1, 0, 4, 2);
  WeightAverage average(0.5, {{"a", channels_last}, {"b", sparse}, {"n", at::ones({}, at::kLong)}});
  const at::Tensor a = channels_last.clone();
  const at::Tensor b = sparse.clone();
  channels_last.add_(2.0);
  sparse.add_(2.0);
  average.update();
  EXPECT_EQ(average.state().size(), 2U);
  EXPECT_TRUE(at::equal(average.state().at("a"), a + 1.0));
  EXPECT_TRUE(at::equal(average.state().at("b"), b + 1.0));
}

TEST(WeightAverage, RefusesADecayThatNeverForgets) {
  EXPECT_EQ(torch_error_of([] { WeightAverage(1.0, {}); }),
            "[WeightAverage] expected a decay in [0, 1), got 1");
}

}  // namespace
}  // namespace simclr
