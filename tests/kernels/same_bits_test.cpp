#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "simclr/kernels/norm_gradient.h"
#include "simclr/kernels/pool.h"
#include "simclr/kernels/winograd.h"
#include "tests/kernels/maps.h"

namespace simclr {
namespace {

/// Expects make() to give the same floats on any number of threads.
template <class Make>
void expect_same_bits(const Make& make) {
  const auto expected = [&] {
    const Threads one(1);
    return make();
  }();
  for (const int threads : {2, 3, 5}) {
    const Threads set(threads);
    EXPECT_TRUE(make() == expected) << threads << " threads";
  }
}

Values zeros(std::int64_t count) { return Values(static_cast<std::size_t>(count)); }

void append(Values& all, const Values& more) { all.insert(all.end(), more.begin(), more.end()); }

/// What stands at a map's values, without the rows between them that nobody reads.
Values values_of(const PanelMap& map, const Values& memory) {
  Values values;
  for (std::int64_t panel = 0; panel < map.panels(); ++panel)
    for (std::int64_t p = 0; p < map.positions(); ++p) {
      const float* from = memory.data() + map.offset(panel, p);
      values.insert(values.end(), from, from + map.batch * kPanel);
    }
  return values;
}

Values passes_of(const ConvShape& shape, WinogradScheme scheme) {
  const WinogradConv conv(shape, scheme);
  const Values x = random_map(shape.in_map(), 1);
  const Values dy = random_map(shape.out_map(), 2);
  const Values weights = random_floats(shape.weights(), 3);
  Values packed = zeros(conv.packed_size()), scratch = zeros(conv.scratch_size());
  Values y = zeros(shape.out_map().size()), dx = zeros(shape.in_map().size());
  Values dw = zeros(shape.weights());
  conv.pack_forward(weights.data(), packed.data());
  conv.forward(x.data(), packed.data(), y.data(), scratch.data());
  conv.pack_backward(weights.data(), packed.data());
  conv.input_gradient(dy.data(), packed.data(), dx.data(), false, scratch.data());
  conv.weight_gradient(x.data(), dy.data(), dw.data(), scratch.data());
  Values all = values_of(shape.out_map(), y);
  append(all, values_of(shape.in_map(), dx));
  append(all, dw);
  return all;
}

TEST(SameBits, OfWinogradsSchemesForAnyNumberOfThreads) {
  expect_same_bits([] { return passes_of({32, 48, 3, 1, 2, 2, 133}, WinogradScheme::kMap2); });
  expect_same_bits([] { return passes_of({144, 128, 3, 1, 2, 2, 33}, WinogradScheme::kMap2); });
  expect_same_bits([] { return passes_of({32, 48, 3, 1, 5, 6, 67}, WinogradScheme::kF2); });
}

TEST(SameBits, OfNormsAndTheirGradientsForAnyNumberOfThreads) {
  const PanelMap map{48, 9, 8, 35};
  const Values y = random_map(map, 1);
  const Values output = random_map(map, 3);
  const Values gamma = random_floats(map.channels, 4), beta = random_floats(map.channels, 5);
  for (const Gate gate : {Gate::kNone, Gate::kOwn, Gate::kOutput})
    expect_same_bits([&] {
      Values mean = zeros(map.channels), variance = zeros(map.channels);
      Values numbers = zeros(4 * map.channels), sums = zeros(2 * map.channels);
      float* n = numbers.data();
      const ChannelNorm norm{n, n + map.channels, n + 2 * map.channels, n + 3 * map.channels};
      norm_of_batch(map, y.data(), {gamma.data(), beta.data(), mean.data(), variance.data()}, norm);
      Values out = zeros(map.size()), dy = zeros(map.size());
      apply_norm(map, y.data(), norm, {output.data(), norm.scale, norm.shift, true}, true,
                 out.data());
      Values gradient = random_map(map, 2);
      const NormGradient of{sums.data(), sums.data() + map.channels};
      const GatedNorm by{gate, output.data(), y.data(), norm};
      gate_and_sum(map, gradient.data(), by, of);
      norm_input_gradient(map, gradient.data(), by, norm_line(map, norm, of, true), dy.data());
      Values all = values_of(map, out);
      append(all, values_of(map, dy));
      for (const Values& more : {sums, numbers, mean, variance}) append(all, more);
      return all;
    });
}

/// Sums in f64 hide how they were grouped; large terms that cancel show it.
TEST(SameBits, OfNormSumsThatCancelForAnyNumberOfThreads) {
  constexpr float kLarge = 1e20F;  // beside it a term of 1 is lost in f64
  const PanelMap map{16, 9, 8, 135};
  const Values y = random_map(map, 1);
  Values gradient = random_map(map, 2);
  for (std::int64_t c = 0; c < map.channels; ++c) {
    element(map, gradient, c, 0, 5) = kLarge;
    element(map, gradient, c, 30, 80) = -kLarge;  // only later blocks of positions count
  }
  Values numbers(static_cast<std::size_t>(4 * map.channels), 1.0F);
  float* n = numbers.data();
  const ChannelNorm norm{n, n + map.channels, n + 2 * map.channels, n + 3 * map.channels};
  expect_same_bits([&] {
    Values g = gradient, sums = zeros(2 * map.channels);
    gate_and_sum(map, g.data(), {Gate::kNone, nullptr, y.data(), norm},
                 {sums.data(), sums.data() + map.channels});
    return sums;
  });
}

TEST(SameBits, OfPoolsForAnyNumberOfThreads) {
  const PoolShape shape{3, 1, {32, 9, 8, 35}};
  const PanelMap out = shape.out_map();
  const Values y = random_map(shape.in, 1);
  Values scale(32, 1.0F), shift(32, 0.1F);
  expect_same_bits([&] {
    Values pooled = zeros(out.size()), kept = zeros(out.size()), mean = zeros(35 * 32);
    Values spread = zeros(out.size());
    std::vector<std::uint8_t> where(pooled.size());
    norm_relu_max_pool(shape, y.data(), {scale.data(), shift.data(), nullptr, nullptr},
                       pooled.data(), {where.data(), kept.data()});
    average_pool(out, pooled.data(), mean.data());
    average_pool_gradient(out, mean.data(), spread.data());
    Values all = values_of(out, pooled);
    append(all, values_of(out, kept));
    append(all, mean);
    append(all, values_of(out, spread));
    return all;
  });
}

}  // namespace
}  // namespace simclr
