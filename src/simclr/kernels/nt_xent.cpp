#include "simclr/kernels/nt_xent.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/nt_xent.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "simclr/kernels/panels.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using ScoreLanes = hn::CappedTag<float, kPanel>;
inline constexpr std::int64_t kScoreLanes = static_cast<std::int64_t>(hn::MaxLanes(ScoreLanes()));

/// Largest score of a row and sum of exp(score - largest), both folded over lanes in their order.
HWY_ATTR float log_sum_exp_row(const float* scores, std::int64_t panels, std::int64_t stride,
                               float* largest_score) {
  constexpr ScoreLanes d;
  alignas(64) float lanes[kPanel];
  auto largest = hn::Set(d, scores[0]);
  for (std::int64_t p = 0; p < panels; ++p)
    for (std::int64_t l = 0; l < kPanel; l += kScoreLanes)
      largest = hn::Max(largest, hn::LoadU(d, scores + p * stride + l));
  hn::StoreU(largest, d, lanes);
  float top = lanes[0];
  for (std::int64_t l = 1; l < kScoreLanes; ++l) top = lanes[l] > top ? lanes[l] : top;
  auto sum = hn::Zero(d);
  for (std::int64_t p = 0; p < panels; ++p)
    for (std::int64_t l = 0; l < kPanel; l += kScoreLanes)
      sum =
          hn::Add(sum, hn::Exp(d, hn::Sub(hn::LoadU(d, scores + p * stride + l), hn::Set(d, top))));
  hn::StoreU(sum, d, lanes);
  float total = 0.0F;
  for (std::int64_t l = 0; l < kScoreLanes; ++l) total += lanes[l];
  *largest_score = top;
  return total;
}

/// scores = exp(score - log_sum) + exp(score - log_sums[column]): the row's share of the softmax
/// and the column's.
HWY_ATTR void weigh_row(float* scores, std::int64_t panels, std::int64_t stride, float log_sum,
                        const float* log_sums) {
  constexpr ScoreLanes d;
  const auto own = hn::Set(d, log_sum);
  for (std::int64_t p = 0; p < panels; ++p) {
    for (std::int64_t l = 0; l < kPanel; l += kScoreLanes) {
      const auto score = hn::LoadU(d, scores + p * stride + l);
      const auto other = hn::LoadU(d, log_sums + p * kPanel + l);
      hn::StoreU(hn::Add(hn::Exp(d, hn::Sub(score, own)), hn::Exp(d, hn::Sub(score, other))), d,
                 scores + p * stride + l);
    }
  }
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "simclr/core/parallel.h"
#include "simclr/kernels/gemm.h"
#include "simclr/kernels/matrix.h"

namespace simclr {
namespace {

HWY_EXPORT(log_sum_exp_row);
HWY_EXPORT(weigh_row);

constexpr std::int64_t kRows = 48;  ///< of a block of similarities
/// A score that vanishes in every sum: no infinity, whose difference from another is no number.
constexpr float kNoScore = -1e30F;

/// Similarities of some rows with all: [panels of columns][kRows][16].
class Scores {
 public:
  Scores(const NtXentRows& input, const float* columns)
      : input_(input),
        columns_(columns),
        panels_(pieces_of(input.rows, kPanel)),
        values_(static_cast<std::size_t>(panels_ * kRows * kPanel)) {}

  void fill(std::int64_t first, std::int64_t count) {
    const Segment segment{input_.unit + first * input_.width, columns_};
    Product product;
    product.segment = &segment;
    product.segments = 1;
    product.depth = input_.width;
    product.a_row = input_.width;
    product.b_panel = input_.width * kPanel;
    product.c = values_.data();
    product.c_panel = kRows * kPanel;
    product.rows = count;
    product.panels = panels_;
    multiply(product);
    for (float& value : values_) value *= input_.inverse_temperature;
    for (std::int64_t row = 0; row < count; ++row) {
      at(row, first + row) = kNoScore;
      for (std::int64_t column = input_.rows; column < panels_ * kPanel; ++column)
        at(row, column) = kNoScore;
    }
  }
  float& at(std::int64_t row, std::int64_t column) {
    return values_[static_cast<std::size_t>((column / kPanel * kRows + row) * kPanel +
                                            column % kPanel)];
  }
  float* row(std::int64_t row) { return values_.data() + row * kPanel; }
  std::int64_t panels() const { return panels_; }
  static constexpr std::int64_t stride() { return kRows * kPanel; }

 private:
  const NtXentRows& input_;
  const float* columns_;
  std::int64_t panels_;
  std::vector<float> values_;
};

/// Calls body(first row, rows, scores) for every block, each thread with scores of its own.
template <class Body>
void for_each_block(const NtXentRows& input, const Body& body) {
  const auto columns = pack_panels(row_major(input.unit, input.rows, input.width).transposed());
  const std::int64_t blocks = pieces_of(input.rows, kRows);
  std::vector<Scores> scores(static_cast<std::size_t>(parallel_threads()),
                             Scores(input, columns.get()));
  parallel_for(blocks, [&](std::int64_t block, int slot) {
    Scores& mine = scores[static_cast<std::size_t>(slot)];
    const std::int64_t first = piece_begin(input.rows, blocks, block);
    const std::int64_t count = piece_begin(input.rows, blocks, block + 1) - first;
    mine.fill(first, count);
    body(first, count, mine);
  });
}

std::int64_t partner(const NtXentRows& input, std::int64_t row) {
  return (row + input.rows / 2) % input.rows;
}

/// Whether every other score of a row is below that of the partner. A tie is no hit: an encoder
/// that maps all images to one point finds nothing.
bool is_nearest(Scores& scores, std::int64_t row, std::int64_t partner) {
  float& place = scores.at(row, partner);
  const float positive = place;
  place = kNoScore;
  std::array<float, kPanel> most{};
  most.fill(kNoScore);
  for (std::int64_t p = 0; p < scores.panels(); ++p) {
    const float* panel = scores.row(row) + p * Scores::stride();
    for (std::size_t i = 0; i < kPanel; ++i) most[i] = most[i] > panel[i] ? most[i] : panel[i];
  }
  place = positive;
  return positive > *std::max_element(most.begin(), most.end());
}

}  // namespace

void nt_xent_rows(const NtXentRows& input, float* log_sums, float* positives, std::uint8_t* hits) {
  for_each_block(input, [&](std::int64_t first, std::int64_t count, Scores& scores) {
    for (std::int64_t row = 0; row < count; ++row) {
      float largest = 0.0F;
      const float sum = HWY_DYNAMIC_DISPATCH(log_sum_exp_row)(scores.row(row), scores.panels(),
                                                              Scores::stride(), &largest);
      const std::int64_t other = partner(input, first + row);
      const float positive = scores.at(row, other);
      log_sums[first + row] = largest + std::log(sum);
      positives[first + row] = positive;
      hits[first + row] = positive >= largest && is_nearest(scores, row, other) ? 1 : 0;
    }
  });
}

void nt_xent_rows_gradient(const NtXentRows& input, const float* log_sums, float scale,
                           float* gradient) {
  const std::int64_t width_panels = pieces_of(input.width, kPanel);
  const auto right = pack_panels(row_major(input.unit, input.rows, input.width));
  std::vector<float> padded(static_cast<std::size_t>(pieces_of(input.rows, kPanel) * kPanel));
  std::copy_n(log_sums, input.rows, padded.begin());
  for_each_block(input, [&](std::int64_t first, std::int64_t count, Scores& scores) {
    std::vector<Segment> segments;
    for (std::int64_t row = 0; row < count; ++row) HWY_DYNAMIC_DISPATCH(weigh_row)
    (scores.row(row), scores.panels(), Scores::stride(), log_sums[first + row], padded.data());
    for (std::int64_t p = 0; p < input.rows / kPanel; ++p)
      segments.push_back({scores.row(0) + p * Scores::stride(), right.get() + p * kPanel * kPanel});
    std::vector<float> sums(static_cast<std::size_t>(width_panels * kRows * kPanel));
    Product product;
    product.segment = segments.data();
    product.segments = static_cast<std::int64_t>(segments.size());
    product.b_panel = input.rows * kPanel;
    product.c = sums.data();
    product.c_panel = kRows * kPanel;
    product.rows = count;
    product.panels = width_panels;
    multiply(product);
    const std::int64_t done = input.rows / kPanel;
    if (done * kPanel < input.rows) {  // a last panel of columns that is not full
      const Segment last{scores.row(0) + done * Scores::stride(),
                         right.get() + done * kPanel * kPanel};
      product.segment = &last;
      product.segments = 1;
      product.depth = input.rows - done * kPanel;
      product.add = true;
      multiply(product);
    }
    for (std::int64_t row = 0; row < count; ++row) {
      const float* other = input.unit + partner(input, first + row) * input.width;
      float* to = gradient + (first + row) * input.width;
      for (std::int64_t i = 0; i < input.width; ++i)
        to[i] = scale * input.inverse_temperature *
                (sums[static_cast<std::size_t>((i / kPanel * kRows + row) * kPanel + i % kPanel)] -
                 2.0F * other[i]);
    }
  });
}

}  // namespace simclr
#endif  // HWY_ONCE
