#include "simclr/kernels/matrix.h"

#include <gtest/gtest.h>

#include <string>

#include "simclr/kernels/gemm.h"
#include "tests/kernels/maps.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

constexpr double kRounding = 1e-6;  ///< sums of some hundred products in f32

double at(const MatrixView& m, std::int64_t row, std::int64_t column) {
  return static_cast<double>(m.data[row * m.row_stride + column * m.column_stride]);
}

void expect_product(const MatrixView& a, const MatrixView& b, const Values* bias,
                    const std::string& what) {
  Values c(static_cast<std::size_t>(a.rows * b.columns), NAN);
  multiply_matrices(a, b, bias == nullptr ? nullptr : bias->data(), c.data());
  RelativeError error;
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < b.columns; ++j) {
      double sum =
          bias == nullptr ? 0.0 : static_cast<double>((*bias)[static_cast<std::size_t>(j)]);
      for (std::int64_t k = 0; k < a.columns; ++k) sum += at(a, i, k) * at(b, k, j);
      error.add(c[static_cast<std::size_t>(i * b.columns + j)], sum);
    }
  EXPECT_LT(error.value(), kRounding) << what;
}

TEST(Matrices, MultiplyAnyWayRoundOnEveryTarget) {
  struct Sizes {
    std::int64_t m, k, n;
  };
  for (const Sizes s : {Sizes{1, 1, 1}, Sizes{7, 20, 33}, Sizes{65, 48, 16}, Sizes{130, 17, 150}}) {
    const Values a = random_floats(s.m * s.k, 1);
    const Values b = random_floats(s.k * s.n, 2);
    const Values bias = random_floats(s.n, 3);
    for_every_target([&](const std::string& target) {
      const std::string what = target + ", " + std::to_string(s.m) + " rows";
      expect_product(row_major(a.data(), s.m, s.k), row_major(b.data(), s.k, s.n), &bias, what);
      expect_product(row_major(a.data(), s.k, s.m).transposed(), row_major(b.data(), s.k, s.n),
                     nullptr, what);
      expect_product(row_major(a.data(), s.m, s.k), row_major(b.data(), s.n, s.k).transposed(),
                     nullptr, what);
    });
  }
}

TEST(Matrices, GiveTheSameBitsForAnyNumberOfThreads) {
  const Values a = random_floats(200 * 70, 1);
  const Values b = random_floats(70 * 90, 2);
  const auto product = [&] {
    Values c(200 * 90);
    multiply_matrices(row_major(a.data(), 200, 70), row_major(b.data(), 70, 90), nullptr, c.data());
    return c;
  };
  const Values expected = product();
  for (const int threads : {1, 3, 5}) {
    const Threads set(threads);
    EXPECT_EQ(product(), expected);
  }
}

/// The micro-kernel itself: every number of rows, an offset, and sums that go on.
TEST(Product, AddsSegmentsToWhatIsThereOnEveryTarget) {
  const Values a = random_floats(40 * 16 * 3, 1);
  const Values b = random_floats(3 * 5 * 16 * 16, 2);
  for_every_target([&](const std::string& target) {
    for (std::int64_t rows = 1; rows <= 13; ++rows)
      for (const std::int64_t panels : {1, 4, 5})
        for (const bool columns : {false, true}) {
          const Segment segments[2] = {{a.data(), b.data()}, {a.data() + 640, b.data() + 1280}};
          Values c = random_floats(panels * rows * kPanel, 3);
          const Values before = c;
          const Product product{.segment = segments,
                                .segments = 2,
                                .depth = 7,
                                .a_offset = 16,
                                .a_row = columns ? 1 : kPanel,
                                .a_step = columns ? kPanel : 1,
                                .b_panel = 256,
                                .c = c.data(),
                                .c_panel = rows * kPanel,
                                .rows = rows,
                                .panels = panels,
                                .add = true};
          multiply(product);
          for (std::int64_t i = 0; i < static_cast<std::int64_t>(c.size()); ++i) {
            const std::int64_t panel = i / kPanel / rows, row = i / kPanel % rows;
            double sum = static_cast<double>(before[static_cast<std::size_t>(i)]);
            for (const Segment& segment : segments)
              for (std::int64_t k = 0; k < product.depth; ++k)
                sum +=
                    static_cast<double>(segment.a[16 + row * product.a_row + k * product.a_step]) *
                    static_cast<double>(segment.b[panel * 256 + k * kPanel + i % kPanel]);
            ASSERT_NEAR(c[static_cast<std::size_t>(i)], sum, 1e-5) << target << ", " << rows;
          }
        }
  });
}

}  // namespace
}  // namespace simclr
