#include "simclr/kernels/transpose.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/transpose.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

HWY_ATTR void transpose_panel(const float* from, std::int64_t row, float* to) {
#if HWY_TARGET == HWY_SCALAR
  for (std::int64_t i = 0; i < kPanel; ++i)
    for (std::int64_t j = 0; j < kPanel; ++j) to[j * kPanel + i] = from[i * row + j];
#else
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::FixedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> pairs;
  for (std::int64_t i = 0; i < kPanel; i += 4) {
    for (std::int64_t j = 0; j < kPanel; j += 4) {
      const float* block = from + i * row + j;
      const auto r0 = hn::LoadU(d, block);
      const auto r1 = hn::LoadU(d, block + row);
      const auto r2 = hn::LoadU(d, block + 2 * row);
      const auto r3 = hn::LoadU(d, block + 3 * row);
      const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
      const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
      const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
      const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
      float* out = to + j * kPanel + i;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, out);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, out + kPanel);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, out + 2 * kPanel);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, out + 3 * kPanel);
    }
  }
#endif
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {
namespace {
HWY_EXPORT(transpose_panel);
}

void turn_panel(const float* from, std::int64_t row, float* to) {
  HWY_DYNAMIC_DISPATCH(transpose_panel)(from, row, to);
}

}  // namespace simclr
#endif  // HWY_ONCE
