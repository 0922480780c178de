// The one micro-kernel of matrix products. Highway includes this once for each instruction set.
#if defined(SIMCLR_KERNELS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIMCLR_KERNELS_GEMM_INL_H_
#undef SIMCLR_KERNELS_GEMM_INL_H_
#else
#define SIMCLR_KERNELS_GEMM_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>

#include "simclr/kernels/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::CappedTag<float, kPanel>;
using Floats = hn::Vec<Lanes>;
inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(Lanes()));
inline constexpr int kParts = kPanel / kLanes;  ///< vectors of a panel's row

// Rows and panels of a tile: as many sums as the registers hold beside a row of b.
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3 || HWY_TARGET == HWY_SCALAR
#define SIMCLR_FEW_REGISTERS 1
inline constexpr int kTileRows = 2;
inline constexpr int kTilePanels = 1;
#else
#define SIMCLR_FEW_REGISTERS 0
inline constexpr int kTileRows = 6;
inline constexpr int kTilePanels = kParts == 1 ? 4 : 1;
#endif

/// c[p][r] (+)= sum over segments and k of a[r * a_row + k * a_step] * b[p][k], whole panels wide.
/// kFixed 0: strides as given; 1: rows of panels (a_row 16, a_step 1); 2: their columns (1, 16);
/// 3: rows of panels, and `next` is fetched.
template <int R, int P, int kFixed>
HWY_ATTR HWY_NOINLINE void multiply_tile(const Product& product, std::int64_t row,
                                         std::int64_t panel, float* c,
                                         [[maybe_unused]] const float* next) {
  constexpr Lanes d;
  constexpr int kSums = P * kParts;
  const std::int64_t a_row = kFixed % 2 == 1 ? kPanel : kFixed == 2 ? 1 : product.a_row;
  const std::int64_t a_step = kFixed % 2 == 1 ? 1 : kFixed == 2 ? kPanel : product.a_step;
  Floats sums[R][kSums];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int s = 0; s < kSums; ++s) {
      const float* from = c + (s / kParts) * product.c_panel + r * kPanel + (s % kParts) * kLanes;
      sums[r][s] = product.add ? hn::LoadU(d, from) : hn::Zero(d);
    }
  }
  for (std::int64_t i = 0; i < product.segments; ++i) {
    const float* a = product.segment[i].a + product.a_offset + row * a_row;
    const float* b = product.segment[i].b + panel * product.b_panel;
#pragma GCC unroll 4
    for (std::int64_t k = 0; k < product.depth; ++k, a += a_step, b += kPanel) {
      if constexpr (kFixed == 3) {
        hwy::Prefetch(next);
        next += kPanel;
      }
      Floats right[kSums];
#pragma GCC unroll 16
      for (int s = 0; s < kSums; ++s)
        right[s] = hn::LoadU(d, b + (s / kParts) * product.b_panel + (s % kParts) * kLanes);
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        const Floats left = hn::Set(d, a[r * a_row]);
#pragma GCC unroll 16
        for (int s = 0; s < kSums; ++s) sums[r][s] = hn::MulAdd(left, right[s], sums[r][s]);
      }
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int s = 0; s < kSums; ++s)
      hn::StoreU(sums[r][s], d,
                 c + (s / kParts) * product.c_panel + r * kPanel + (s % kParts) * kLanes);
  }
}

template <int P, int kFixed>
HWY_ATTR HWY_INLINE void multiply_rows(int rows, const Product& product, std::int64_t row,
                                       std::int64_t panel, float* c, const float* next) {
  switch (rows) {
#if !SIMCLR_FEW_REGISTERS
    case 6:
      return multiply_tile<6, P, kFixed>(product, row, panel, c, next);
    case 5:
      return multiply_tile<5, P, kFixed>(product, row, panel, c, next);
    case 4:
      return multiply_tile<4, P, kFixed>(product, row, panel, c, next);
    case 3:
      return multiply_tile<3, P, kFixed>(product, row, panel, c, next);
#endif
    case 2:
      return multiply_tile<2, P, kFixed>(product, row, panel, c, next);
    default:
      return multiply_tile<1, P, kFixed>(product, row, panel, c, next);
  }
}

template <int P, int kFixed>
HWY_ATTR HWY_INLINE void multiply_panels(const Product& product, std::int64_t panel) {
  const std::int64_t groups = pieces_of(product.rows, kTileRows);
  for (std::int64_t g = 0; g < groups; ++g) {
    const std::int64_t row = piece_begin(product.rows, groups, g);
    const auto rows = static_cast<int>(piece_begin(product.rows, groups, g + 1) - row);
    // Each tile fetches as much as it multiplies.
    const float* next = product.next_b;
    if constexpr (kFixed == 3)
      next += (panel / P * groups + g) * product.segments * product.depth * kPanel;
    multiply_rows<P, kFixed>(rows, product, row, panel,
                             product.c + panel * product.c_panel + row * kPanel, next);
  }
}

template <int kFixed>
HWY_ATTR HWY_INLINE void multiply_all(const Product& product) {
  std::int64_t panel = 0;
  for (; panel + kTilePanels <= product.panels; panel += kTilePanels)
    multiply_panels<kTilePanels, kFixed>(product, panel);
  for (; panel < product.panels; ++panel) multiply_panels<1, kFixed>(product, panel);
}

/// See `Product`. The order of every sum is that of segments and k, for any number of rows.
HWY_ATTR HWY_INLINE void add_products(const Product& product) {
  if (product.next_b != nullptr) return multiply_all<3>(product);
  if (product.a_row == kPanel && product.a_step == 1) return multiply_all<1>(product);
  if (product.a_row == 1 && product.a_step == kPanel) return multiply_all<2>(product);
  multiply_all<0>(product);
}

#undef SIMCLR_FEW_REGISTERS

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // SIMCLR_KERNELS_GEMM_INL_H_
