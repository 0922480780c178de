#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "simclr/kernels/direct_conv.h"
#include "simclr/kernels/winograd.h"
#include "tests/kernels/maps.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

/// Sums of up to a few thousand products in f32.
constexpr double kRounding = 1e-6;
/// F(4, 3) multiplies by up to 4 and divides by up to 24 on the way.
constexpr double kF4Rounding = 5e-5;

struct Results {
  Values y, dx, added, dw;
};

Values filled(std::int64_t count, float value) {
  return Values(static_cast<std::size_t>(count), value);
}

/// All passes of a DirectConv or WinogradConv, into memory that begins as NaN.
template <class Conv>
Results run(const Conv& conv, const NaiveConv& naive) {
  constexpr bool kDirect = std::is_same_v<Conv, DirectConv>;
  const PanelMap in = naive.shape.in_map();
  const PanelMap out = naive.shape.out_map();
  Values forward = filled(conv.packed_size(), NAN);
  Values backward = filled(conv.packed_size(), NAN);
  Values scratch = filled(conv.scratch_size(), NAN);
  conv.pack_forward(naive.weights.data(), forward.data());
  conv.pack_backward(naive.weights.data(), backward.data());
  Results results{filled(out.size(), NAN), filled(in.size(), NAN), naive.x,
                  filled(naive.shape.weights(), NAN)};
  if constexpr (kDirect) {
    conv.forward(naive.x.data(), forward.data(), results.y.data());
    conv.input_gradient(naive.dy.data(), backward.data(), results.dx.data(), false);
    conv.input_gradient(naive.dy.data(), backward.data(), results.added.data(), true);
  } else {
    conv.forward(naive.x.data(), forward.data(), results.y.data(), scratch.data());
    conv.input_gradient(naive.dy.data(), backward.data(), results.dx.data(), false, scratch.data());
    conv.input_gradient(naive.dy.data(), backward.data(), results.added.data(), true,
                        scratch.data());
  }
  conv.weight_gradient(naive.x.data(), naive.dy.data(), results.dw.data(), scratch.data());
  return results;
}

template <class Conv>
void expect_close(const Conv& conv, const NaiveConv& naive, double tolerance,
                  const std::string& what) {
  const Results found = run(conv, naive);
  EXPECT_LT(naive.output_error(found.y), tolerance) << what;
  EXPECT_LT(naive.input_error(found.dx), tolerance) << what;
  EXPECT_LT(naive.input_error(found.added, naive.x), tolerance) << what;
  EXPECT_LT(naive.weight_error(found.dw), tolerance) << what;
}

std::string text_of(const ConvShape& s) {
  return std::to_string(s.in_channels) + " -> " + std::to_string(s.out_channels) + ", kernel " +
         std::to_string(s.kernel) + ", stride " + std::to_string(s.stride) + ", " +
         std::to_string(s.height) + "x" + std::to_string(s.width) + ", batch " +
         std::to_string(s.batch);
}

TEST(DirectConv, EqualsTheNaiveOneOnEveryTarget) {
  for (const ConvShape& shape :
       {ConvShape{16, 32, 3, 1, 4, 5, 7}, ConvShape{48, 16, 3, 2, 5, 4, 3},
        ConvShape{16, 96, 1, 2, 5, 5, 2}, ConvShape{80, 16, 1, 1, 2, 3, 6},
        ConvShape{32, 32, 3, 1, 1, 1, 66}, ConvShape{16, 16, 3, 2, 2, 2, 130}}) {
    const NaiveConv naive(shape);
    for_every_target([&](const std::string& target) {
      expect_close(DirectConv(shape), naive, kRounding, target + ": " + text_of(shape));
    });
  }
}

TEST(DirectConv, EqualsTheNaiveOneForRandomShapes) {
  Random random(RandomKey{.seed = 7});
  for (int i = 0; i < 40; ++i) {
    const auto below = [&random](std::uint32_t n) {
      return static_cast<std::int64_t>(random.below(n));
    };
    const ConvShape shape{16 * (1 + below(4)), 16 * (1 + below(4)), 1 + 2 * below(2), 1 + below(2),
                          1 + below(9),        1 + below(9),        2 + below(20)};
    expect_close(DirectConv(shape), NaiveConv(shape), kRounding, text_of(shape));
  }
}

TEST(DirectConv, ATapThatMeetsNoPixelHasNoGradient) {
  const ConvShape shape{16, 16, 3, 1, 1, 1, 4};
  const Results found = run(DirectConv(shape), NaiveConv(shape));
  for (std::int64_t i = 0; i < shape.weights(); ++i) {
    if (i / 16 % 9 == 4) continue;
    ASSERT_EQ(found.dw[static_cast<std::size_t>(i)], 0.0F);
  }
}

TEST(WinogradConv, EqualsTheNaiveOneOnEveryTarget) {
  for (const ConvShape& shape : {ConvShape{16, 32, 3, 1, 4, 5, 7}, ConvShape{32, 16, 3, 1, 9, 8, 3},
                                 ConvShape{16, 16, 3, 1, 1, 2, 66}}) {
    const NaiveConv naive(shape);
    for_every_target([&](const std::string& target) {
      const std::string what = target + ": " + text_of(shape);
      expect_close(WinogradConv(shape, WinogradScheme::kF2), naive, kRounding, what);
      expect_close(WinogradConv(shape, WinogradScheme::kF4), naive, kF4Rounding, what);
    });
  }
  for (const ConvShape& shape :
       {ConvShape{16, 32, 3, 2, 8, 9, 7}, ConvShape{32, 16, 3, 2, 17, 6, 3},
        ConvShape{16, 16, 3, 2, 1, 2, 66}}) {
    const NaiveConv naive(shape);
    for_every_target([&](const std::string& target) {
      expect_close(WinogradConv(shape, WinogradScheme::kF4Stride2), naive, kF4Rounding,
                   target + ": " + text_of(shape));
    });
  }
  const ConvShape small{48, 16, 3, 1, 2, 2, 70};
  const NaiveConv naive(small);
  for_every_target([&](const std::string& target) {
    expect_close(WinogradConv(small, WinogradScheme::kMap2), naive, kRounding, target);
  });
}

TEST(WinogradConv, EqualsTheNaiveOneForRandomShapes) {
  Random random(RandomKey{.seed = 8});
  for (int i = 0; i < 20; ++i) {
    const auto below = [&random](std::uint32_t n) {
      return static_cast<std::int64_t>(random.below(n));
    };
    ConvShape shape{16 * (1 + below(3)), 16 * (1 + below(3)), 3, 1, 1 + below(12),
                    1 + below(12),       2 + below(12)};
    const NaiveConv naive(shape);
    expect_close(WinogradConv(shape, WinogradScheme::kF2), naive, kRounding, text_of(shape));
    expect_close(WinogradConv(shape, WinogradScheme::kF4), naive, kF4Rounding, text_of(shape));
    shape.stride = 2;
    expect_close(WinogradConv(shape, WinogradScheme::kF4Stride2), NaiveConv(shape), kF4Rounding,
                 text_of(shape));
  }
}

/// Weights too large for a core's cache: the other way to share the work out.
TEST(WinogradConv, EqualsTheNaiveOneWhereAllThreadsTakeAChunkTogether) {
  const ConvShape shape{144, 128, 3, 1, 4, 4, 5};
  const NaiveConv naive(shape);
  expect_close(WinogradConv(shape, WinogradScheme::kF2), naive, kRounding, text_of(shape));
  expect_close(WinogradConv(shape, WinogradScheme::kF4), naive, kF4Rounding, text_of(shape));
  const ConvShape strided{144, 128, 3, 2, 9, 8, 5};
  expect_close(WinogradConv(strided, WinogradScheme::kF4Stride2), NaiveConv(strided), kF4Rounding,
               text_of(strided));
}

/// Every small side, odd batches and ones above the 64 images of a task, wide and narrow.
TEST(Convolutions, EqualTheNaiveOneForEverySmallSide) {
  for (const std::int64_t side : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12}) {
    const std::int64_t batch = side <= 3 ? 67 : 2 + side % 2;
    for (const std::int64_t kernel : {1, 3})
      for (const std::int64_t stride : {1, 2}) {
        const ConvShape shape{
            side < 6 ? 96 : 16, side < 6 ? 16 : 96, kernel, stride, side, side, batch};
        const NaiveConv naive(shape);
        expect_close(DirectConv(shape), naive, kRounding, text_of(shape));
        if (kernel == 3 && stride == 2)
          expect_close(WinogradConv(shape, WinogradScheme::kF4Stride2), naive, kF4Rounding,
                       text_of(shape));
        if (kernel != 3 || stride != 1) continue;
        expect_close(WinogradConv(shape, WinogradScheme::kF2), naive, kRounding, text_of(shape));
        expect_close(WinogradConv(shape, WinogradScheme::kF4), naive, kF4Rounding, text_of(shape));
        if (side == 2)
          expect_close(WinogradConv(shape, WinogradScheme::kMap2), naive, kRounding,
                       text_of(shape));
      }
  }
}

template <class Conv>
void expect_same_bits(const Conv& conv, const NaiveConv& naive) {
  const PanelMap in = naive.shape.in_map();
  const PanelMap out = naive.shape.out_map();
  const auto of_one = [&] {
    const Threads one(1);
    return run(conv, naive);
  }();
  for (const int threads : {2, 3, 5}) {
    const Threads set(threads);
    const Results found = run(conv, naive);
    EXPECT_EQ(found.dw, of_one.dw) << threads;
    for (std::int64_t c = 0; c < in.channels; ++c)
      for (std::int64_t p = 0; p < in.positions(); ++p)
        for (std::int64_t n = 0; n < in.batch; ++n)
          ASSERT_EQ(element(in, found.dx, c, p, n), element(in, of_one.dx, c, p, n)) << threads;
    for (std::int64_t c = 0; c < out.channels; ++c)
      for (std::int64_t p = 0; p < out.positions(); ++p)
        for (std::int64_t n = 0; n < out.batch; ++n)
          ASSERT_EQ(element(out, found.y, c, p, n), element(out, of_one.y, c, p, n)) << threads;
  }
}

TEST(Convolutions, GiveTheSameBitsForAnyNumberOfThreads) {
  const NaiveConv strided({48, 32, 3, 2, 5, 5, 33});
  expect_same_bits(DirectConv(strided.shape), strided);
  expect_same_bits(WinogradConv(strided.shape, WinogradScheme::kF4Stride2), strided);
  const NaiveConv wide({144, 128, 3, 2, 8, 8, 5});
  expect_same_bits(WinogradConv(wide.shape, WinogradScheme::kF4Stride2), wide);
  const NaiveConv small({32, 32, 3, 1, 8, 8, 33});
  expect_same_bits(WinogradConv(small.shape, WinogradScheme::kF4), small);
  const NaiveConv large({144, 128, 3, 1, 4, 4, 5});
  expect_same_bits(WinogradConv(large.shape, WinogradScheme::kF4), large);
}

}  // namespace
}  // namespace simclr
