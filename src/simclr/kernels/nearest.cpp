#include "simclr/kernels/nearest.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/nearest.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/sieve.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Sums = hn::CappedTag<std::int32_t, kPanel>;
using Pairs = hn::Repartition<std::int16_t, Sums>;
inline constexpr int kSumLanes = static_cast<int>(hn::MaxLanes(Sums()));
inline constexpr int kSumParts = kPanel / kSumLanes;

// On x86 one instruction multiplies neighbouring 16-bit integers and adds the two products.
#undef SIMCLR_PAIRS
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
#define SIMCLR_PAIRS 1
#else
#define SIMCLR_PAIRS 0
#endif

/// Inner products of R queries with the 16 rows of a panel: to[r * 16 + l].
template <int R>
HWY_ATTR HWY_NOINLINE void sieve_rows(const std::int16_t* queries, const std::int16_t* panel,
                                      std::int64_t pairs, std::int32_t* to) {
#if SIMCLR_PAIRS
  constexpr Sums d;
  constexpr Pairs d16;
  hn::Vec<Sums> sums[R][kSumParts];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int s = 0; s < kSumParts; ++s) sums[r][s] = hn::Zero(d);
  }
  for (std::int64_t k = 0; k < pairs; ++k, queries += 2, panel += 2 * kPanel) {
    hn::Vec<Pairs> right[kSumParts];
#pragma GCC unroll 4
    for (int s = 0; s < kSumParts; ++s) right[s] = hn::LoadU(d16, panel + 2 * s * kSumLanes);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      std::int32_t pair;
      __builtin_memcpy(&pair, queries + r * 2 * pairs, sizeof pair);
      const auto left = hn::BitCast(d16, hn::Set(d, pair));
#pragma GCC unroll 4
      for (int s = 0; s < kSumParts; ++s) {
        auto unused = hn::Zero(d);
        sums[r][s] = hn::ReorderWidenMulAccumulate(d, left, right[s], sums[r][s], unused);
      }
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int s = 0; s < kSumParts; ++s) hn::StoreU(sums[r][s], d, to + r * kPanel + s * kSumLanes);
  }
#else
  for (int r = 0; r < R; ++r) {
    std::int32_t sums[kPanel] = {};
    for (std::int64_t k = 0; k < pairs; ++k) {
      const std::int32_t first = queries[r * 2 * pairs + 2 * k];
      const std::int32_t second = queries[r * 2 * pairs + 2 * k + 1];
      const std::int16_t* right = panel + k * 2 * kPanel;
      for (int l = 0; l < kPanel; ++l) sums[l] += first * right[2 * l] + second * right[2 * l + 1];
    }
    for (int l = 0; l < kPanel; ++l) to[r * kPanel + l] = sums[l];
  }
#endif
}

/// One panel against any number of queries.
HWY_ATTR void sieve_panel(const std::int16_t* queries, std::int64_t count,
                          const std::int16_t* panel, std::int64_t pairs, std::int32_t* to) {
  for (; count >= 6; count -= 6, queries += 6 * 2 * pairs, to += 6 * kPanel)
    sieve_rows<6>(queries, panel, pairs, to);
  for (; count > 0; --count, queries += 2 * pairs, to += kPanel)
    sieve_rows<1>(queries, panel, pairs, to);
}

/// Whether any of 16 sums reaches the threshold.
HWY_ATTR bool any_reaches(const std::int32_t* sums, std::int32_t threshold) {
  constexpr Sums d;
  const auto below = hn::Set(d, threshold);
  auto largest = hn::LoadU(d, sums);
  for (int s = 1; s < kSumParts; ++s)
    largest = hn::Max(largest, hn::LoadU(d, sums + s * kSumLanes));
  return !hn::AllTrue(d, hn::Lt(largest, below));
}

/// Sum over the width of a * b: sixteen sums side by side, then those in order.
HWY_ATTR float inner_product(const float* a, const float* b, std::int64_t width) {
  constexpr hn::CappedTag<float, kPanel> d;
  constexpr int kLanes = static_cast<int>(hn::MaxLanes(d));
  constexpr int kParts = kPanel / kLanes;
  hn::Vec<hn::CappedTag<float, kPanel>> sums[kParts];
  for (int s = 0; s < kParts; ++s) sums[s] = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + kPanel <= width; i += kPanel) {
#pragma GCC unroll 16
    for (int s = 0; s < kParts; ++s)
      sums[s] =
          hn::MulAdd(hn::LoadU(d, a + i + s * kLanes), hn::LoadU(d, b + i + s * kLanes), sums[s]);
  }
  alignas(64) float lanes[kPanel];
  for (int s = 0; s < kParts; ++s) hn::StoreU(sums[s], d, lanes + s * kLanes);
  float total = 0.0F;
  for (int l = 0; l < kPanel; ++l) total += lanes[l];
  for (; i < width; ++i) total += a[i] * b[i];
  return total;
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <cassert>
#include <limits>

#include "simclr/core/parallel.h"

namespace simclr {
namespace {

HWY_EXPORT(sieve_panel);
HWY_EXPORT(any_reaches);
HWY_EXPORT(inner_product);

constexpr std::int64_t kQueries = 96;        ///< of a task: their rounded rows stay in cache
constexpr std::int64_t kFirstBuffer = 1024;  ///< candidates before the first are thrown out

bool is_nearer(const Neighbour& a, const Neighbour& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
}

/// What is left of the bank for one query while the sieve runs.
class Candidates {
 public:
  Candidates(std::int64_t k, std::int64_t slack) : k_(static_cast<std::size_t>(k)), slack_(slack) {}

  std::int32_t threshold() const { return threshold_; }

  void add(std::int32_t sum, std::int32_t row) {
    found_.push_back({sum, row});
    if (found_.size() >= limit_) shrink();
  }

  /// Throws out what cannot be among the k nearest.
  void shrink() {
    if (found_.size() <= k_) return;
    const auto kth = found_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
    std::nth_element(found_.begin(), kth, found_.end(),
                     [](const Found& a, const Found& b) { return a.sum > b.sum; });
    threshold_ = static_cast<std::int32_t>(
        std::max<std::int64_t>(kth->sum - slack_, std::numeric_limits<std::int32_t>::min()));
    found_.erase(
        std::partition(kth, found_.end(), [&](const Found& f) { return f.sum >= threshold_; }),
        found_.end());
    limit_ = std::max<std::size_t>(kFirstBuffer, 2 * std::max(k_, found_.size()));
  }

  std::vector<Neighbour> exact(const float* query, const UnitRows& bank) {
    shrink();
    std::vector<Neighbour> nearest;
    nearest.reserve(found_.size());
    for (const Found& f : found_) {
      const float* row = bank.data + f.row * bank.width;
      nearest.push_back({HWY_DYNAMIC_DISPATCH(inner_product)(query, row, bank.width), f.row});
    }
    const auto end = nearest.begin() + static_cast<std::ptrdiff_t>(k_);
    std::partial_sort(nearest.begin(), end, nearest.end(), is_nearer);
    nearest.erase(end, nearest.end());
    return nearest;
  }

 private:
  struct Found {
    std::int32_t sum;
    std::int32_t row;
  };
  std::size_t k_;
  std::int64_t slack_;
  std::int32_t threshold_ = std::numeric_limits<std::int32_t>::min();
  std::size_t limit_ = kFirstBuffer;
  std::vector<Found> found_;
};

/// One panel's sums into the candidates of each query.
void sift(const std::int32_t* sums, std::int64_t first_row, std::int64_t rows,
          std::vector<Candidates>& candidates) {
  for (std::size_t q = 0; q < candidates.size(); ++q, sums += kPanel) {
    Candidates& mine = candidates[q];
    if (!HWY_DYNAMIC_DISPATCH(any_reaches)(sums, mine.threshold())) continue;
    for (std::int64_t l = 0; l < rows; ++l)
      if (sums[l] >= mine.threshold()) mine.add(sums[l], static_cast<std::int32_t>(first_row + l));
  }
}

}  // namespace

std::vector<Neighbour> nearest_rows(const UnitRows& bank, const UnitRows& queries, std::int64_t k) {
  assert(k >= 1 && k <= bank.rows && bank.width == queries.width);
  const RoundedRows left(queries);
  const RoundedPanels right(bank);
  const std::int64_t panels = pieces_of(bank.rows, kPanel);
  const std::int64_t tasks = pieces_of(queries.rows, kQueries);
  std::vector<Neighbour> nearest(static_cast<std::size_t>(queries.rows * k));
  parallel_for(tasks, [&](std::int64_t task) {
    const std::int64_t first = task * kQueries;
    const std::int64_t count = std::min(kQueries, queries.rows - first);
    std::vector<Candidates> candidates;
    for (std::int64_t q = first; q < first + count; ++q)
      candidates.emplace_back(k, sieve_slack(left.error(q), right.largest_error()));
    std::vector<std::int32_t> sums(static_cast<std::size_t>(count * kPanel));
    for (std::int64_t p = 0; p < panels; ++p) {
      HWY_DYNAMIC_DISPATCH(sieve_panel)
      (left.row(first), count, right.panel(p), left.pairs(), sums.data());
      sift(sums.data(), p * kPanel, std::min<std::int64_t>(kPanel, bank.rows - p * kPanel),
           candidates);
    }
    for (std::int64_t q = 0; q < count; ++q) {
      const std::vector<Neighbour> found = candidates[static_cast<std::size_t>(q)].exact(
          queries.data + (first + q) * queries.width, bank);
      std::copy(found.begin(), found.end(), nearest.begin() + (first + q) * k);
    }
  });
  return nearest;
}

}  // namespace simclr
#endif  // HWY_ONCE
