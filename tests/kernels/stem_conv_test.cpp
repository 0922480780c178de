#include "simclr/kernels/stem_conv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/kernels/maps.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

constexpr double kRounding = 1e-6;  ///< sums of a few thousand products in f32

struct Naive {
  explicit Naive(const StemShape& s)
      : shape(s),
        pixels(random_floats(s.batch * s.side * s.side * 3, 1)),
        dy(random_map(s.out_map(), 2)),
        weights(random_floats(s.weights(), 3)) {}

  /// Calls body(output position, image, pixel's index, index in the kernel) for every product.
  template <class Body>
  void for_each(const Body& body) const {
    const std::int64_t out = shape.out_side();
    for (std::int64_t p = 0; p < out * out; ++p)
      for (std::int64_t k = 0; k < shape.kernel * shape.kernel; ++k) {
        const std::int64_t y = p / out * shape.stride + k / shape.kernel - shape.kernel / 2;
        const std::int64_t x = p % out * shape.stride + k % shape.kernel - shape.kernel / 2;
        if (y < 0 || x < 0 || y >= shape.side || x >= shape.side) continue;
        for (std::int64_t n = 0; n < shape.batch; ++n)
          for (std::int64_t c = 0; c < 3; ++c)
            body(p, n, ((n * shape.side + y) * shape.side + x) * 3 + c, k * 3 + c);
      }
  }

  double output_error(const Values& y) const {
    std::vector<double> sums(y.size());
    const PanelMap map = shape.out_map();
    for_each([&](std::int64_t p, std::int64_t n, std::int64_t pixel, std::int64_t k) {
      for (std::int64_t o = 0; o < shape.out_channels; ++o)
        element(map, sums, o, p, n) +=
            static_cast<double>(pixels[static_cast<std::size_t>(pixel)]) *
            static_cast<double>(weights[static_cast<std::size_t>(o * shape.depth() + k)]);
    });
    RelativeError error;
    for (std::int64_t o = 0; o < shape.out_channels; ++o)
      for (std::int64_t p = 0; p < map.positions(); ++p)
        for (std::int64_t n = 0; n < map.batch; ++n)
          error.add(element(map, y, o, p, n), element(map, sums, o, p, n));
    return error.value();
  }

  double weight_error(const Values& dw) const {
    std::vector<double> sums(dw.size());
    for_each([&](std::int64_t p, std::int64_t n, std::int64_t pixel, std::int64_t k) {
      for (std::int64_t o = 0; o < shape.out_channels; ++o)
        sums[static_cast<std::size_t>(o * shape.depth() + k)] +=
            static_cast<double>(pixels[static_cast<std::size_t>(pixel)]) *
            static_cast<double>(element(shape.out_map(), dy, o, p, n));
    });
    RelativeError error;
    for (std::size_t i = 0; i < dw.size(); ++i) error.add(dw[i], sums[i]);
    return error.value();
  }

  StemShape shape;
  Values pixels, dy, weights;
};

struct Results {
  Values y, dw;
};

Results run(const Naive& naive) {
  const StemConv conv(naive.shape);
  Values packed(static_cast<std::size_t>(conv.packed_size()), NAN);
  Values scratch(static_cast<std::size_t>(conv.scratch_size()), NAN);
  conv.pack(naive.weights.data(), packed.data());
  Results results{Values(naive.dy.size(), NAN), Values(naive.weights.size(), NAN)};
  conv.forward(naive.pixels.data(), packed.data(), results.y.data());
  const auto read = [&](const MapPart& part, float* to) {
    Values copy(static_cast<std::size_t>(part.map(naive.shape.out_channels).size()), NAN);
    for (std::int64_t c = 0; c < naive.shape.out_channels; ++c)
      for (std::int64_t p = 0; p < part.positions; ++p)
        for (std::int64_t n = 0; n < part.images; ++n)
          element(part.map(naive.shape.out_channels), copy, c, p, n) =
              element(naive.shape.out_map(), naive.dy, c, part.position + p, part.image + n);
    std::copy(copy.begin(), copy.end(), to);
  };
  conv.weight_gradient(naive.pixels.data(), read, results.dw.data(), scratch.data());
  return results;
}

TEST(StemConv, EqualsTheNaiveOneOnEveryTarget) {
  for (const StemShape& shape :
       {StemShape{32, 7, 2, 13, 5}, StemShape{16, 7, 2, 8, 18}, StemShape{16, 3, 1, 9, 3},
        StemShape{32, 3, 1, 8, 2}, StemShape{16, 7, 2, 66, 2}}) {
    const Naive naive(shape);
    for_every_target([&](const std::string& target) {
      const Results found = run(naive);
      EXPECT_LT(naive.output_error(found.y), kRounding) << target << ", side " << shape.side;
      EXPECT_LT(naive.weight_error(found.dw), kRounding) << target << ", side " << shape.side;
    });
  }
}

TEST(StemConv, GivesTheSameBitsForAnyNumberOfThreads) {
  const Naive naive({16, 7, 2, 12, 40});
  const PanelMap map = naive.shape.out_map();
  const Results expected = run(naive);
  for (const int threads : {1, 3, 5}) {
    const Threads set(threads);
    const Results found = run(naive);
    EXPECT_EQ(found.dw, expected.dw);
    for (std::int64_t p = 0; p < map.positions(); ++p)
      for (std::int64_t n = 0; n < map.batch; ++n)
        ASSERT_EQ(element(map, found.y, 3, p, n), element(map, expected.y, 3, p, n));
  }
}

}  // namespace
}  // namespace simclr
