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

/// Numbers of a norm's gradient, drawn: pools only pass them on.
NormLine some_line(std::int64_t channels) {
  return {random_floats(channels, 7), random_floats(channels, 8)};
}

/// The gradient of one part, against sums over windows.
void expect_gradient(const PoolShape& shape, const MapPart& part, const Values& y, const Values& dy,
                     const std::vector<std::uint8_t>& where, const std::string& what) {
  Identity identity(shape.in.channels);
  const NormLine line = some_line(shape.in.channels);
  const PanelMap out = shape.out_map();
  const PanelMap small = part.map(shape.in.channels);
  Values found(static_cast<std::size_t>(small.size()), NAN);
  norm_relu_max_pool_gradient(shape, part, dy.data(), where.data(), y.data(), identity.norm(), line,
                              found.data());
  std::vector<double> sums(y.size());
  for (std::int64_t c = 0; c < out.channels; ++c)
    for (std::int64_t p = 0; p < out.positions(); ++p)
      for (std::int64_t n = 0; n < out.batch; ++n)
        element(shape.in, sums, c, largest(shape, y, c, p, n).position, n) +=
            static_cast<double>(element(out, dy, c, p, n));
  for (std::int64_t c = 0; c < out.channels; ++c)
    for (std::int64_t p = 0; p < part.positions; ++p)
      for (std::int64_t n = 0; n < part.images; ++n) {
        const std::int64_t position = part.position + p, image = part.image + n;
        const auto at = static_cast<double>(element(shape.in, y, c, position, image));
        const auto channel = static_cast<std::size_t>(c);
        const double gated = at > 0.0 ? element(shape.in, sums, c, position, image) : 0.0;
        ASSERT_NEAR(element(small, found, c, p, n),
                    gated + static_cast<double>(line.slope[channel]) * at +
                        static_cast<double>(line.constant[channel]),
                    1e-6)
            << what;
      }
}

void expect_pool(const PoolShape& shape, const std::string& what) {
  Values y = random_map(shape.in, 1);
  for (float& value : y) value = std::round(4.0F * value) / 4.0F;  // ties
  Identity identity(shape.in.channels);
  const PanelMap out = shape.out_map();
  Values pooled(static_cast<std::size_t>(out.size()), NAN), kept(pooled.size(), NAN);
  std::vector<std::uint8_t> where(pooled.size());
  norm_relu_max_pool(shape, y.data(), identity.norm(), pooled.data(), {where.data(), kept.data()});
  for (std::int64_t c = 0; c < out.channels; ++c)
    for (std::int64_t p = 0; p < out.positions(); ++p)
      for (std::int64_t n = 0; n < out.batch; ++n) {
        const Naive naive = largest(shape, y, c, p, n);
        ASSERT_EQ(element(out, pooled, c, p, n), naive.value) << what;
        ASSERT_EQ(element(out, kept, c, p, n), element(shape.in, y, c, naive.position, n)) << what;
      }
  const Values dy = random_map(out, 2);
  expect_gradient(shape, {0, shape.in.batch, 0, shape.in.positions()}, y, dy, where, what);
  if (shape.in.positions() > 4) expect_gradient(shape, {1, 1, 3, 4}, y, dy, where, what);
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
  norm_relu_max_pool(shape, y.data(), norm.norm(), pooled.data(), {where.data(), nullptr});
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
  norm_relu_max_pool(shape, y.data(), identity.norm(), pooled.data(), {where.data(), nullptr});
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
