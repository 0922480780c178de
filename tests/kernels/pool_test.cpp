#include "simclr/kernels/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/kernels/maps.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

/// Scale and shift as they are: pools look at y itself.
struct Identity {
  explicit Identity(std::int64_t channels)
      : scale(static_cast<std::size_t>(channels), 1.0F),
        shift(static_cast<std::size_t>(channels), 0.0F) {}
  ChannelNorm norm() { return {scale.data(), shift.data(), nullptr, nullptr}; }
  Values scale, shift;
};

struct Naive {
  float value = 0.0F;
  std::int64_t position = -1;  ///< of the first of the largest, in the input
};

Naive largest(const PoolShape& shape, const Values& y, std::int64_t c, std::int64_t out,
              std::int64_t n) {
  const std::int64_t width = shape.out_map().width;
  Naive best;
  for (std::int64_t k = 0; k < shape.window * shape.window; ++k) {
    const std::int64_t i = out / width * 2 - shape.pad + k / shape.window;
    const std::int64_t j = out % width * 2 - shape.pad + k % shape.window;
    if (i < 0 || j < 0 || i >= shape.in.height || j >= shape.in.width) continue;
    const float value = std::max(0.0F, element(shape.in, y, c, i * shape.in.width + j, n));
    if (best.position >= 0 && value <= best.value) continue;
    best = {value, i * shape.in.width + j};
  }
  return best;
}

void expect_pool(const PoolShape& shape, const std::string& what) {
  Values y = random_map(shape.in, 1);
  for (float& value : y) value = std::round(4.0F * value) / 4.0F;  // ties
  Identity identity(shape.in.channels);
  const PanelMap out = shape.out_map();
  Values pooled(static_cast<std::size_t>(out.size()), NAN);
  std::vector<std::uint8_t> where(pooled.size());
  norm_relu_max_pool(shape, y.data(), identity.norm(), pooled.data(), where.data());
  const Values dy = random_map(out, 2);
  Values dx(y.size(), NAN);
  max_pool_gradient(shape, dy.data(), where.data(), dx.data());
  std::vector<double> expected(y.size());
  for (std::int64_t c = 0; c < out.channels; ++c)
    for (std::int64_t p = 0; p < out.positions(); ++p)
      for (std::int64_t n = 0; n < out.batch; ++n) {
        const Naive naive = largest(shape, y, c, p, n);
        ASSERT_EQ(element(out, pooled, c, p, n), naive.value) << what;
        element(shape.in, expected, c, naive.position, n) +=
            static_cast<double>(element(out, dy, c, p, n));
      }
  for (std::int64_t c = 0; c < out.channels; ++c)
    for (std::int64_t p = 0; p < shape.in.positions(); ++p)
      for (std::int64_t n = 0; n < out.batch; ++n)
        ASSERT_NEAR(element(shape.in, dx, c, p, n), element(shape.in, expected, c, p, n), 1e-6)
            << what;
}

TEST(MaxPool, EqualsTheNaiveOneOnEveryTarget) {
  for_every_target([](const std::string& target) {
    expect_pool({3, 1, {32, 8, 7, 3}}, target + ", 3x3");
    expect_pool({2, 0, {16, 8, 9, 4}}, target + ", 2x2");
    expect_pool({3, 1, {16, 1, 1, 2}}, target + ", one pixel");
  });
}

TEST(MaxPool, TakesTheNormAlong) {
  const PoolShape shape{2, 0, {16, 2, 2, 1}};
  const Values y = random_map(shape.in, 1);
  Identity norm(16);
  norm.scale[3] = -2.0F;  // turns the order around
  norm.shift[3] = 5.0F;
  const PanelMap out = shape.out_map();
  Values pooled(static_cast<std::size_t>(out.size()));
  std::vector<std::uint8_t> where(pooled.size());
  norm_relu_max_pool(shape, y.data(), norm.norm(), pooled.data(), where.data());
  float smallest = 1.0F;
  for (std::int64_t p = 0; p < 4; ++p) smallest = std::min(smallest, element(shape.in, y, 3, p, 0));
  EXPECT_FLOAT_EQ(element(out, pooled, 3, 0, 0), 5.0F - 2.0F * smallest);
}

TEST(MaxPool, KeepsNan) {
  const PoolShape shape{2, 0, {16, 2, 2, 1}};
  Values y = random_map(shape.in, 1);
  element(shape.in, y, 3, 1, 0) = NAN;
  Identity identity(16);
  Values pooled(static_cast<std::size_t>(shape.out_map().size()));
  std::vector<std::uint8_t> where(pooled.size());
  norm_relu_max_pool(shape, y.data(), identity.norm(), pooled.data(), where.data());
  EXPECT_TRUE(std::isnan(element(shape.out_map(), pooled, 3, 0, 0)));
}

TEST(AveragePool, IsTheMeanAndSpreadsItsGradient) {
  const PanelMap map{32, 3, 2, 3};
  const Values x = random_map(map, 1);
  for_every_target([&](const std::string& target) {
    Values features(3 * 32, NAN);
    average_pool(map, x.data(), features.data());
    Values dx(x.size(), NAN);
    average_pool_gradient(map, features.data(), dx.data());
    for (std::int64_t c = 0; c < 32; ++c)
      for (std::int64_t n = 0; n < 3; ++n) {
        double sum = 0.0;
        for (std::int64_t p = 0; p < 6; ++p) sum += static_cast<double>(element(map, x, c, p, n));
        const float found = features[static_cast<std::size_t>(n * 32 + c)];
        EXPECT_NEAR(found, sum / 6.0, 1e-6) << target;
        EXPECT_FLOAT_EQ(element(map, dx, c, 4, n), found / 6.0F) << target;
      }
  });
}

}  // namespace
}  // namespace simclr
