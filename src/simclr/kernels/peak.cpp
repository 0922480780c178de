#include "simclr/kernels/peak.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/peak.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

/// Chains of fused multiply-adds, enough of them to hide their latency. @return their number, and
/// through `result` something that depends on all.
HWY_ATTR double run_chains(std::int64_t rounds, float* result) {
  constexpr Lanes d;
  constexpr int kChains = 12;
  Floats chains[kChains];
  for (int i = 0; i < kChains; ++i) chains[i] = hn::Set(d, static_cast<float>(i));
  const Floats factor = hn::Set(d, 0.5F);
  const Floats term = hn::Set(d, 1.0F);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chains[i] = hn::MulAdd(chains[i], factor, term);
  }
  Floats sum = chains[0];
  for (int i = 1; i < kChains; ++i) sum = hn::Add(sum, chains[i]);
  *result = hn::GetLane(sum);
  return 2.0 * kChains * kLanes * static_cast<double>(rounds);
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <atomic>

#include "simclr/core/parallel.h"
#include "simclr/core/stopwatch.h"

namespace simclr {
namespace {
HWY_EXPORT(run_chains);
}

double measure_peak_gflops(double seconds) {
  constexpr std::int64_t kRounds = 2'000'000;
  double best = 0.0;
  const Stopwatch whole;
  do {
    std::atomic<double> operations = 0.0;
    const Stopwatch round;
    parallel_for(parallel_threads(), [&](std::int64_t) {
      float result = 0.0F;
      const double done = HWY_DYNAMIC_DISPATCH(run_chains)(kRounds, &result);
      if (result > 0.0F) operations.fetch_add(done);  // always, but the compiler cannot know
    });
    const double took = round.seconds();
    best = std::max(best, operations.load() / took * 1e-9);
  } while (whole.seconds() < seconds);
  return best;
}

}  // namespace simclr
#endif  // HWY_ONCE
