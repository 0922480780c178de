// The transforms of Winograd's convolutions. Highway includes this once for each instruction set.
#if defined(SIMCLR_KERNELS_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIMCLR_KERNELS_WINOGRAD_INL_H_
#undef SIMCLR_KERNELS_WINOGRAD_INL_H_
#else
#define SIMCLR_KERNELS_WINOGRAD_INL_H_
#endif

#include <hwy/highway.h>

#include "simclr/kernels/panels.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WinogradLanes = hn::CappedTag<float, kPanel>;
using WinogradFloats = hn::Vec<WinogradLanes>;

// Each scheme has four one-dimensional transforms, used along columns, then along rows
// (Lavin & Gray 2016, arXiv:1509.09308; Winograd 1980):
//   input     kIn pixels            -> kFrequencies
//   output    kFrequencies          -> kOut pixels
//   gradient  kOut output gradients -> kFrequencies    the transpose of `output`
//   weights   3 taps                -> kWeights        kFrequencies, or fewer where the last serves
//                                                      all that follow
//   taps      kWeights              -> 3 taps          the transpose of `weights`

#define SIMCLR_TRANSFORM HWY_ATTR static HWY_INLINE void

/// a * factor + b
HWY_ATTR HWY_INLINE WinogradFloats scaled_sum(WinogradFloats a, float factor, WinogradFloats b) {
  return hn::MulAdd(a, hn::Set(WinogradLanes(), factor), b);
}
HWY_ATTR HWY_INLINE WinogradFloats times(WinogradFloats a, float factor) {
  return hn::Mul(a, hn::Set(WinogradLanes(), factor));
}

/// F(2, 3): tiles of 2 outputs from 4 inputs, 4 products instead of 6. Points 0, 1, -1, infinity.
struct F2 {
  static constexpr int kIn = 4, kOut = 2, kFrequencies = 4, kWeights = 4;
  using V = WinogradFloats;
  SIMCLR_TRANSFORM input(const V* d, V* r) {
    r[0] = hn::Sub(d[0], d[2]);
    r[1] = hn::Add(d[1], d[2]);
    r[2] = hn::Sub(d[2], d[1]);
    r[3] = hn::Sub(d[1], d[3]);
  }
  SIMCLR_TRANSFORM output(const V* m, V* y) {
    y[0] = hn::Add(hn::Add(m[0], m[1]), m[2]);
    y[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
  }
  SIMCLR_TRANSFORM gradient(const V* y, V* z) {
    z[0] = y[0];
    z[1] = hn::Add(y[0], y[1]);
    z[2] = hn::Sub(y[0], y[1]);
    z[3] = hn::Neg(y[1]);
  }
  SIMCLR_TRANSFORM weights(const V* w, V* u) {
    const V ends = times(hn::Add(w[0], w[2]), 0.5F);
    const V middle = times(w[1], 0.5F);
    u[0] = w[0];
    u[1] = hn::Add(ends, middle);
    u[2] = hn::Sub(ends, middle);
    u[3] = w[2];
  }
  SIMCLR_TRANSFORM taps(const V* u, V* w) {
    const V sum = times(hn::Add(u[1], u[2]), 0.5F);
    w[0] = hn::Add(u[0], sum);
    w[1] = times(hn::Sub(u[1], u[2]), 0.5F);
    w[2] = hn::Add(sum, u[3]);
  }
};

/// F(4, 3): tiles of 4 outputs from 6 inputs, 6 products instead of 12. Points 0, +-1, +-2,
/// infinity.
struct F4 {
  static constexpr int kIn = 6, kOut = 4, kFrequencies = 6, kWeights = 6;
  using V = WinogradFloats;
  SIMCLR_TRANSFORM input(const V* d, V* r) {
    const V even1 = scaled_sum(d[2], -4.0F, d[4]);
    const V odd1 = scaled_sum(d[1], -4.0F, d[3]);
    const V even2 = hn::Sub(d[4], d[2]);
    const V odd2 = hn::Sub(d[3], d[1]);
    r[0] = scaled_sum(d[0], 4.0F, scaled_sum(d[2], -5.0F, d[4]));
    r[1] = hn::Add(even1, odd1);
    r[2] = hn::Sub(even1, odd1);
    r[3] = scaled_sum(odd2, 2.0F, even2);
    r[4] = scaled_sum(odd2, -2.0F, even2);
    r[5] = scaled_sum(d[1], 4.0F, scaled_sum(d[3], -5.0F, d[5]));
  }
  SIMCLR_TRANSFORM output(const V* m, V* y) {
    const V sum1 = hn::Add(m[1], m[2]);
    const V difference1 = hn::Sub(m[1], m[2]);
    const V sum2 = hn::Add(m[3], m[4]);
    const V difference2 = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(hn::Add(m[0], sum1), sum2);
    y[1] = scaled_sum(difference2, 2.0F, difference1);
    y[2] = scaled_sum(sum2, 4.0F, sum1);
    y[3] = hn::Add(scaled_sum(difference2, 8.0F, difference1), m[5]);
  }
  SIMCLR_TRANSFORM gradient(const V* y, V* z) {
    const V even1 = hn::Add(y[0], y[2]);
    const V odd1 = hn::Add(y[1], y[3]);
    const V even2 = scaled_sum(y[2], 4.0F, y[0]);
    const V odd2 = scaled_sum(y[3], 4.0F, y[1]);
    z[0] = y[0];
    z[1] = hn::Add(even1, odd1);
    z[2] = hn::Sub(even1, odd1);
    z[3] = scaled_sum(odd2, 2.0F, even2);
    z[4] = scaled_sum(odd2, -2.0F, even2);
    z[5] = y[3];
  }
  SIMCLR_TRANSFORM weights(const V* w, V* u) {
    const V ends1 = times(hn::Add(w[0], w[2]), -1.0F / 6);
    const V middle1 = times(w[1], -1.0F / 6);
    const V ends2 = scaled_sum(w[0], 1.0F / 24, times(w[2], 1.0F / 6));
    const V middle2 = times(w[1], 1.0F / 12);
    u[0] = times(w[0], 0.25F);
    u[1] = hn::Add(ends1, middle1);
    u[2] = hn::Sub(ends1, middle1);
    u[3] = hn::Add(ends2, middle2);
    u[4] = hn::Sub(ends2, middle2);
    u[5] = w[2];
  }
  SIMCLR_TRANSFORM taps(const V* u, V* w) {
    const V sum1 = times(hn::Add(u[1], u[2]), -1.0F / 6);
    const V difference1 = times(hn::Sub(u[2], u[1]), 1.0F / 6);
    const V sum2 = hn::Add(u[3], u[4]);
    const V difference2 = hn::Sub(u[3], u[4]);
    w[0] = scaled_sum(u[0], 0.25F, scaled_sum(sum2, 1.0F / 24, sum1));
    w[1] = scaled_sum(difference2, 1.0F / 12, difference1);
    w[2] = hn::Add(scaled_sum(sum2, 1.0F / 6, sum1), u[5]);
  }
};

/// A map of side 2, of which a 3-tap kernel sees a 2 x 2 Toeplitz matrix: 3 products instead of 4
/// (Karatsuba & Ofman 1962).
struct Map2 {
  static constexpr int kIn = 2, kOut = 2, kFrequencies = 3, kWeights = 3;
  using V = WinogradFloats;
  SIMCLR_TRANSFORM input(const V* d, V* r) {
    r[0] = hn::Add(d[0], d[1]);
    r[1] = d[1];
    r[2] = d[0];
  }
  SIMCLR_TRANSFORM output(const V* m, V* y) {
    y[0] = hn::Add(m[0], m[1]);
    y[1] = hn::Add(m[0], m[2]);
  }
  SIMCLR_TRANSFORM gradient(const V* y, V* z) {
    z[0] = hn::Add(y[0], y[1]);
    z[1] = y[0];
    z[2] = y[1];
  }
  SIMCLR_TRANSFORM weights(const V* w, V* u) {
    u[0] = w[1];
    u[1] = hn::Sub(w[2], w[1]);
    u[2] = hn::Sub(w[0], w[1]);
  }
  SIMCLR_TRANSFORM taps(const V* u, V* w) {
    w[0] = u[2];
    w[1] = hn::Sub(hn::Sub(u[0], u[1]), u[2]);
    w[2] = u[1];
  }
};

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // SIMCLR_KERNELS_WINOGRAD_INL_H_
