// Winograd's transforms for stride 2. Highway includes this once for each instruction set.
#if defined(SIMCLR_KERNELS_WINOGRAD_STRIDE2_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIMCLR_KERNELS_WINOGRAD_STRIDE2_INL_H_
#undef SIMCLR_KERNELS_WINOGRAD_STRIDE2_INL_H_
#else
#define SIMCLR_KERNELS_WINOGRAD_STRIDE2_INL_H_
#endif

#include "simclr/kernels/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Stride 2, tiles of 4 outputs from 9 inputs: every other input meets the middle tap alone, as it
/// is; the five between meet the outer two, F(4, 2), 5 products instead of 8. Points 0, 1, -1, 2,
/// infinity.
struct F4Stride2 {
  static constexpr int kIn = 9, kOut = 4, kFrequencies = 9, kWeights = 6;
  using V = WinogradFloats;
  /// F(4, 2)'s input transform, of values `step` apart.
  template <int step>
  SIMCLR_TRANSFORM outer(const V* d, V* r) {
    const V odd = hn::Sub(d[3 * step], d[step]);
    r[0] = hn::Sub(scaled_sum(hn::Sub(d[0], d[2 * step]), 2.0F, d[3 * step]), d[step]);
    r[1] = hn::Sub(scaled_sum(d[step], -2.0F, d[3 * step]), d[2 * step]);
    r[2] = scaled_sum(d[step], 2.0F, scaled_sum(d[2 * step], -3.0F, d[3 * step]));
    r[3] = odd;
    r[4] = scaled_sum(odd, -2.0F, hn::Sub(d[4 * step], d[2 * step]));
  }
  /// Its output transform.
  SIMCLR_TRANSFORM outer_outputs(const V* m, V* y) {
    const V sum = hn::Add(m[1], m[2]);
    const V difference = hn::Sub(m[1], m[2]);
    y[0] = hn::Add(hn::Add(m[0], sum), m[3]);
    y[1] = scaled_sum(m[3], 2.0F, difference);
    y[2] = scaled_sum(m[3], 4.0F, sum);
    y[3] = hn::Add(scaled_sum(m[3], 8.0F, difference), m[4]);
  }
  SIMCLR_TRANSFORM input(const V* d, V* r) {
    outer<2>(d, r);
    for (int i = 0; i < 4; ++i) r[5 + i] = d[2 * i + 1];
  }
  SIMCLR_TRANSFORM output(const V* m, V* y) {
    outer_outputs(m, y);
    for (int i = 0; i < 4; ++i) y[i] = hn::Add(y[i], m[5 + i]);
  }
  SIMCLR_TRANSFORM gradient(const V* y, V* z) {
    const V even = hn::Add(y[0], y[2]);
    const V odd = hn::Add(y[1], y[3]);
    z[0] = y[0];
    z[1] = hn::Add(even, odd);
    z[2] = hn::Sub(even, odd);
    z[3] = scaled_sum(scaled_sum(scaled_sum(y[3], 2.0F, y[2]), 2.0F, y[1]), 2.0F, y[0]);
    z[4] = y[3];
    for (int i = 0; i < 4; ++i) z[5 + i] = y[i];
  }
  SIMCLR_TRANSFORM weights(const V* w, V* u) {
    u[0] = times(w[0], 0.5F);
    u[1] = times(hn::Add(w[0], w[2]), -0.5F);
    u[2] = times(hn::Sub(w[2], w[0]), 1.0F / 6);
    u[3] = times(scaled_sum(w[2], 2.0F, w[0]), 1.0F / 6);
    u[4] = w[2];
    u[5] = w[1];
  }
  SIMCLR_TRANSFORM taps(const V* u, V* w) {
    const V difference = times(hn::Sub(u[3], u[2]), 1.0F / 6);
    w[0] = scaled_sum(hn::Sub(u[0], u[1]), 0.5F, difference);
    w[1] = u[5];
    w[2] = scaled_sum(u[1], -0.5F, scaled_sum(scaled_sum(u[3], 2.0F, u[2]), 1.0F / 6, u[4]));
  }
};

/// Its input gradient: of 8 inputs from 5 outputs' gradients, with the taps turned. Every other
/// input meets one output, through the middle tap; those between meet two. Weights are F4Stride2's;
/// there is no other pass.
struct F4Stride2Back : F4Stride2 {
  static constexpr int kIn = 5, kOut = 8;
  SIMCLR_TRANSFORM input(const V* d, V* r) {
    outer<1>(d, r);
    for (int i = 0; i < 4; ++i) r[5 + i] = d[i];
  }
  SIMCLR_TRANSFORM output(const V* m, V* y) {
    V between[4];
    outer_outputs(m, between);
    for (int i = 0; i < 4; ++i) {
      y[2 * i] = m[5 + i];
      y[2 * i + 1] = between[i];
    }
  }
};

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // SIMCLR_KERNELS_WINOGRAD_STRIDE2_INL_H_
