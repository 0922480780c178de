// The micro-kernel beside libxsmm's (Debian's libxsmm-dev): products of the sizes that convolutions
// are made of, from the caches, on one thread, interleaved.
//
//   apt install libxsmm-dev && cmake --preset release && cmake --build build/release --target
//   peer_gemm OMP_NUM_THREADS=1 build/release/bench/peer_gemm

#include <fmt/core.h>
#include <libxsmm.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "simclr/core/random.h"
#include "simclr/kernels/gemm.h"
#include "simclr/kernels/matrix.h"
#include "simclr/kernels/peak.h"

namespace simclr {
namespace {

constexpr int kRounds = 15;
constexpr double kOperationsARound = 2e9;

struct Shape {
  std::int64_t rows;  ///< images, or tiles
  std::int64_t depth;
  std::int64_t columns;
  const char* use;
};

constexpr std::array kShapes{
    Shape{64, 64, 64, "layer1, one tap or frequency"},
    Shape{96, 128, 128, "layer2, one frequency"},
    Shape{128, 256, 256, "layer3, one frequency"},
    Shape{128, 512, 512, "layer4, the centre tap"},
    Shape{64, 147, 64, "the ImageNet stem as one product"},
};

std::vector<float> made_up(std::int64_t size, std::uint32_t key) {
  Random random(RandomKey{key, Purpose::kView, 0, 0});
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = random.uniform() - 0.5F;
  return values;
}

/// [rows, columns] in panels of 16 columns, each row by row: how a map lies in memory.
std::vector<float> panels_of(const std::vector<float>& matrix, std::int64_t rows,
                             std::int64_t columns) {
  const auto packed = pack_panels(row_major(matrix.data(), rows, columns));
  const std::int64_t size = pieces_of(columns, kPanel) * kPanel * rows;
  return {packed.get(), packed.get() + size};
}

template <typename Function>
double gflops(const Shape& shape, Function&& run) {
  const double operations = 2.0 * static_cast<double>(shape.rows * shape.depth * shape.columns);
  const int times = static_cast<int>(kOperationsARound / operations) + 1;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) run();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  return operations * times / spent.count() / 1e9;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const Shape& shape, double peak) {
  const std::vector<float> a = made_up(shape.rows * shape.depth, 1);
  const std::vector<float> b = made_up(shape.depth * shape.columns, 2);
  std::vector<float> theirs(static_cast<std::size_t>(shape.rows * shape.columns));
  std::vector<float> ours(theirs.size());

  // Row by row is column by column of the transpose: theirs' = b' x a'.
  const auto m = static_cast<int>(shape.columns);
  const auto n = static_cast<int>(shape.rows);
  const auto k = static_cast<int>(shape.depth);
  const float one = 1.0F;
  const float zero = 0.0F;
  const auto xsmm = libxsmm_smmdispatch(m, n, k, &m, &k, &m, &one, &zero, nullptr, nullptr);
  if (xsmm == nullptr) {
    fmt::print(stderr, "libxsmm makes no kernel for this processor\n");
    std::exit(1);
  }

  const std::vector<float> a_panels = panels_of(a, shape.rows, shape.depth);
  const std::vector<float> b_panels = panels_of(b, shape.depth, shape.columns);
  std::vector<Segment> segments;
  const std::int64_t depth = std::min<std::int64_t>(kPanel, shape.depth);
  for (std::int64_t first = 0; first < shape.depth; first += depth)
    segments.push_back({a_panels.data() + first * shape.rows, b_panels.data() + first * kPanel});
  Product product;
  product.segment = segments.data();
  product.segments = static_cast<std::int64_t>(segments.size());
  if (shape.depth % kPanel != 0) {  // rows as they are: one segment, as the stem's patches
    segments = {{a.data(), b_panels.data()}};
    product.segments = 1;
    product.depth = shape.depth;
    product.a_row = shape.depth;
  }
  product.segment = segments.data();
  product.b_panel = shape.depth * kPanel;
  product.c = ours.data();
  product.c_panel = shape.rows * kPanel;
  product.rows = shape.rows;
  product.panels = shape.columns / kPanel;

  std::vector<double> rate_ours;
  std::vector<double> rate_theirs;
  for (int round = 0; round < kRounds; ++round) {
    rate_ours.push_back(gflops(shape, [&] { multiply(product); }));
    rate_theirs.push_back(gflops(shape, [&] { xsmm(b.data(), a.data(), theirs.data()); }));
  }
  const std::vector<float> expected = panels_of(theirs, shape.rows, shape.columns);
  double apart = 0.0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    apart = std::max(apart, static_cast<double>(std::abs(ours[i] - expected[i])));
  if (apart > 1e-3) {
    fmt::print(stderr, "the two products differ by {}\n", apart);
    std::exit(1);
  }
  fmt::print("| {} x {} x {} | {} | {:.1f} | {:.0f} % | {:.1f} | {:.0f} % |\n", shape.rows,
             shape.depth, shape.columns, shape.use, median(rate_ours),
             100.0 * median(rate_ours) / peak, median(rate_theirs),
             100.0 * median(rate_theirs) / peak);
}

}  // namespace
}  // namespace simclr

int main() {
  const double peak = simclr::measure_peak_gflops(1.0);
  fmt::print("peak of this thread: {:.1f} GFLOP/s\n\n", peak);
  fmt::print("| rows x depth x columns | in | ours, GFLOP/s | of peak | libxsmm | of peak |\n");
  fmt::print("|---|---|---|---|---|---|\n");
  for (const simclr::Shape& shape : simclr::kShapes) simclr::compare(shape, peak);
  return 0;
}
