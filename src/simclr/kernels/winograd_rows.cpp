#include "simclr/kernels/winograd_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/winograd_rows.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/winograd-inl.h"
#include "simclr/kernels/winograd_stride2-inl.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

inline constexpr int kWinogradLanes = static_cast<int>(hn::MaxLanes(WinogradLanes()));

/// One transform along columns and then rows: A x A^T for x [from, from] -> [to, to].
template <int kFrom, int kTo, class Transform, class Load, class Store>
HWY_ATTR HWY_INLINE void transform_square(const Transform& transform, const Load& load,
                                          const Store& store) {
  WinogradFloats between[kTo][kFrom];
#pragma GCC unroll 9
  for (int j = 0; j < kFrom; ++j) {
    WinogradFloats column[kFrom], result[kTo];
#pragma GCC unroll 9
    for (int i = 0; i < kFrom; ++i) column[i] = load(i * kFrom + j);
    transform(column, result);
#pragma GCC unroll 9
    for (int i = 0; i < kTo; ++i) between[i][j] = result[i];
  }
#pragma GCC unroll 9
  for (int i = 0; i < kTo; ++i) {
    WinogradFloats result[kTo];
    transform(between[i], result);
#pragma GCC unroll 9
    for (int j = 0; j < kTo; ++j) store(i * kTo + j, result[j]);
  }
}

template <class S>
HWY_ATTR void input_rows(const TileRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t at = 0; at < t.rows * kPanel; at += kWinogradLanes)
    transform_square<S::kIn, S::kFrequencies>(
        [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::input(x, r); },
        [&](int i) HWY_ATTR { return hn::LoadU(d, t.from[i] + at); },
        [&](int f, WinogradFloats v)
            HWY_ATTR { hn::StoreU(v, d, t.matrix + f * t.matrix_stride + at); });
}

/// The norm before the convolution, applied as its pixels are read.
template <class S>
HWY_ATTR void normed_input_rows(const TileRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t part = 0; part < kPanel; part += kWinogradLanes) {
    const WinogradFloats scale = hn::LoadU(d, t.norm.scale + part);
    const WinogradFloats shift = hn::LoadU(d, t.norm.shift + part);
    for (std::int64_t at = part; at < t.rows * kPanel; at += kPanel)
      transform_square<S::kIn, S::kFrequencies>(
          [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::input(x, r); },
          [&](int i) HWY_ATTR {
            const auto y = hn::MulAdd(scale, hn::LoadU(d, t.from[i] + at), shift);
            return hn::Mul(hn::Max(y, hn::Zero(d)), hn::Set(d, t.norm.inside[i]));
          },
          [&](int f, WinogradFloats v)
              HWY_ATTR { hn::StoreU(v, d, t.matrix + f * t.matrix_stride + at); });
  }
}

template <class S>
HWY_ATTR void gradient_rows(const TileRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t at = 0; at < t.rows * kPanel; at += kWinogradLanes)
    transform_square<S::kOut, S::kFrequencies>(
        [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::gradient(x, r); },
        [&](int i) HWY_ATTR { return hn::LoadU(d, t.from[i] + at); },
        [&](int f, WinogradFloats v)
            HWY_ATTR { hn::StoreU(v, d, t.matrix + f * t.matrix_stride + at); });
}

template <class S>
HWY_ATTR void output_rows(const TileRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t at = 0; at < t.rows * kPanel; at += kWinogradLanes)
    transform_square<S::kFrequencies, S::kOut>(
        [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::output(x, r); },
        [&](int f) HWY_ATTR { return hn::LoadU(d, t.matrix + f * t.matrix_stride + at); },
        [&](int i, WinogradFloats v) HWY_ATTR {
          float* to = t.to[i] + at;
          hn::StoreU(t.add ? hn::Add(hn::LoadU(d, to), v) : v, d, to);
        });
}

template <class S>
HWY_ATTR void weight_rows(const TapRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t line = 0; line < t.lines; ++line) {
    for (int part = 0; part < kPanel; part += kWinogradLanes) {
      const float* from = t.taps + line * t.line_stride + part;
      float* to = t.matrix + line * kPanel + part;
      transform_square<3, S::kWeights>(
          [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::weights(x, r); },
          [&](int i)
              HWY_ATTR { return hn::LoadU(d, from + (t.turned ? 8 - i : i) * t.tap_stride); },
          [&](int f, WinogradFloats v) HWY_ATTR { hn::StoreU(v, d, to + f * t.matrix_stride); });
    }
  }
}

/// The way back for the gradient of weights: matrices -> taps, which are written.
template <class S>
HWY_ATTR void tap_rows(const TapRows& t) {
  constexpr WinogradLanes d;
  for (std::int64_t line = 0; line < t.lines; ++line) {
    for (int part = 0; part < kPanel; part += kWinogradLanes) {
      float* to = const_cast<float*>(t.taps) + line * t.line_stride + part;
      const float* from = t.matrix + line * kPanel + part;
      transform_square<S::kWeights, 3>(
          [](const WinogradFloats* x, WinogradFloats* r) HWY_ATTR { S::taps(x, r); },
          [&](int f) HWY_ATTR { return hn::LoadU(d, from + f * t.matrix_stride); },
          [&](int i, WinogradFloats v) HWY_ATTR { hn::StoreU(v, d, to + i * t.tap_stride); });
    }
  }
}

template <class Body>
HWY_ATTR HWY_INLINE void with_scheme(WinogradScheme scheme, const Body& body) {
  switch (scheme) {
    case WinogradScheme::kF2:
      return body(F2());
    case WinogradScheme::kF4:
      return body(F4());
    case WinogradScheme::kMap2:
      return body(Map2());
    case WinogradScheme::kF4Stride2:
      return body(F4Stride2());
    case WinogradScheme::kF4Stride2Back:
      return body(F4Stride2Back());
  }
}

HWY_ATTR void run_to_frequencies(WinogradScheme scheme, const TileRows& t) {
  with_scheme(scheme, [&](auto s) HWY_ATTR {
    if (t.norm.scale == nullptr) return input_rows<decltype(s)>(t);
    normed_input_rows<decltype(s)>(t);
  });
}

HWY_ATTR void run_gradient_to_frequencies(WinogradScheme scheme, const TileRows& t) {
  with_scheme(scheme, [&](auto s) HWY_ATTR { gradient_rows<decltype(s)>(t); });
}

HWY_ATTR void run_from_frequencies(WinogradScheme scheme, const TileRows& t) {
  with_scheme(scheme, [&](auto s) HWY_ATTR { output_rows<decltype(s)>(t); });
}

HWY_ATTR void run_weights_to_frequencies(WinogradScheme scheme, const TapRows& t) {
  with_scheme(scheme, [&](auto s) HWY_ATTR { weight_rows<decltype(s)>(t); });
}

HWY_ATTR void run_weights_from_frequencies(WinogradScheme scheme, const TapRows& t) {
  with_scheme(scheme, [&](auto s) HWY_ATTR { tap_rows<decltype(s)>(t); });
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {
namespace {

HWY_EXPORT(run_to_frequencies);
HWY_EXPORT(run_gradient_to_frequencies);
HWY_EXPORT(run_from_frequencies);
HWY_EXPORT(run_weights_to_frequencies);
HWY_EXPORT(run_weights_from_frequencies);

}  // namespace

void to_frequencies(WinogradScheme scheme, const TileRows& rows) {
  HWY_DYNAMIC_DISPATCH(run_to_frequencies)(scheme, rows);
}
void gradient_to_frequencies(WinogradScheme scheme, const TileRows& rows) {
  HWY_DYNAMIC_DISPATCH(run_gradient_to_frequencies)(scheme, rows);
}
void from_frequencies(WinogradScheme scheme, const TileRows& rows) {
  HWY_DYNAMIC_DISPATCH(run_from_frequencies)(scheme, rows);
}
void weights_to_frequencies(WinogradScheme scheme, const TapRows& rows) {
  HWY_DYNAMIC_DISPATCH(run_weights_to_frequencies)(scheme, rows);
}
void weights_from_frequencies(WinogradScheme scheme, const TapRows& rows) {
  HWY_DYNAMIC_DISPATCH(run_weights_from_frequencies)(scheme, rows);
}

}  // namespace simclr
#endif  // HWY_ONCE
