#include "simclr/kernels/noise.h"

#include "simclr/core/random.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/noise.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

using WordTag = hn::Rebind<std::uint32_t, Tag>;
using Words = hn::Vec<WordTag>;

struct Product {
  Words high;
  Words low;
};

HWY_ATTR HWY_INLINE Product multiply(Words a, std::uint32_t factor) {
  const WordTag words;
#if HWY_TARGET == HWY_SCALAR
  const std::uint64_t product = std::uint64_t{hn::GetLane(a)} * factor;
  return {hn::Set(words, static_cast<std::uint32_t>(product >> 32)),
          hn::Set(words, static_cast<std::uint32_t>(product))};
#else
  const Words b = hn::Set(words, factor);
  const Words even = hn::BitCast(words, hn::MulEven(a, b));
  const Words odd = hn::BitCast(words, hn::MulEven(hn::Shuffle2301(a), b));
  return {hn::OddEven(odd, hn::Shuffle2301(even)), hn::OddEven(hn::Shuffle2301(odd), even)};
#endif
}

/// philox4x32 of core/random.h, a block in each lane.
HWY_ATTR HWY_INLINE void philox(Words counter[4], std::uint32_t key0, std::uint32_t key1) {
  const WordTag words;
  for (int round = 0; round < 10; ++round) {
    const Product first = multiply(counter[0], 0xD2511F53U);
    const Product second = multiply(counter[2], 0xCD9E8D57U);
    counter[0] = hn::Xor(second.high, hn::Xor(counter[1], hn::Set(words, key0)));
    counter[1] = second.low;
    counter[2] = hn::Xor(first.high, hn::Xor(counter[3], hn::Set(words, key1)));
    counter[3] = first.low;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
}

/// coefficients[0] x^(n-1) + ... + coefficients[n-1]
template <std::size_t n>
HWY_ATTR HWY_INLINE Vector polynomial(Vector x, const float (&coefficients)[n]) {
  const Tag tag;
  Vector value = hn::Set(tag, coefficients[0]);
  for (std::size_t i = 1; i < n; ++i)
    value = hn::Add(hn::Mul(value, x), hn::Set(tag, coefficients[i]));
  return value;
}

/// In [0, 1): the upper 24 bits.
HWY_ATTR HWY_INLINE Vector uniform(Words bits) {
  const Tag tag;
  const IntVector whole = hn::BitCast(IntTag(), hn::ShiftRight<8>(bits));
  return hn::Mul(hn::ConvertTo(tag, whole), hn::Set(tag, 0x1p-24F));
}

/// Natural logarithm of x in (0, 1], x = 2^e (1 + r): e ln 2 + log(1 + r).
HWY_ATTR HWY_INLINE Vector logarithm(Vector x) {
  const Tag tag;
  const IntTag integers;
  // Adding this carries into the exponent where the mantissa is above sqrt(2).
  const IntVector shifted =
      hn::Add(hn::BitCast(integers, x), hn::Set(integers, 0x3F800000 - 0x3F3504F3));
  const IntVector exponent = hn::Sub(hn::ShiftRight<23>(shifted), hn::Set(integers, 127));
  const IntVector mantissa =
      hn::Add(hn::And(shifted, hn::Set(integers, 0x007FFFFF)), hn::Set(integers, 0x3F3504F3));
  const Vector r = hn::Sub(hn::BitCast(tag, mantissa), hn::Set(tag, 1.0F));
  const Vector e = hn::ConvertTo(tag, exponent);
  // log(1 + r) = 2 s + 2 s^3 / 3 + 2 s^5 / 5 + ... with s = r / (2 + r), |s| < 0.172.
  const Vector s = hn::Div(r, hn::Add(r, hn::Set(tag, 2.0F)));
  const Vector square = hn::Mul(s, s);
  const float series[] = {2.0F / 9.0F, 2.0F / 7.0F, 2.0F / 5.0F, 2.0F / 3.0F};
  const Vector tail = hn::Mul(hn::Mul(s, square), polynomial(square, series));
  const Vector fraction = hn::Add(hn::Add(s, s), tail);
  return hn::Add(hn::Mul(e, hn::Set(tag, 0.693147181F)), fraction);
}

/// Cosine and sine of 2 pi x, x in [0, 1): by Taylor's series in the quarter turn around the
/// nearest multiple of one.
HWY_ATTR HWY_INLINE void circle(Vector x, Vector& cosine, Vector& sine) {
  const Tag tag;
  const IntTag integers;
  const Vector quarters = hn::Mul(x, hn::Set(tag, 4.0F));
  const IntVector nearest = hn::ConvertTo(integers, hn::Add(quarters, hn::Set(tag, 0.5F)));
  const Vector angle =
      hn::Mul(hn::Sub(quarters, hn::ConvertTo(tag, nearest)), hn::Set(tag, 1.57079633F));
  const Vector square = hn::Mul(angle, angle);
  const float sines[] = {1.0F / 362880.0F, -1.0F / 5040.0F, 1.0F / 120.0F, -1.0F / 6.0F, 1.0F};
  const float cosines[] = {1.0F / 40320.0F, -1.0F / 720.0F, 1.0F / 24.0F, -0.5F, 1.0F};
  const Vector s = hn::Mul(angle, polynomial(square, sines));
  const Vector c = polynomial(square, cosines);
  const auto bit = [&](IntVector value, std::int32_t of) HWY_ATTR {
    return hn::RebindMask(tag, hn::TestBit(value, hn::Set(integers, of)));
  };
  const auto odd = bit(nearest, 1);
  const Vector cosine_size = hn::IfThenElse(odd, s, c);
  const Vector sine_size = hn::IfThenElse(odd, c, s);
  const auto left = bit(hn::Add(nearest, hn::Set(integers, 1)), 2);
  cosine = hn::IfThenElse(left, hn::Neg(cosine_size), cosine_size);
  sine = hn::IfThenElse(bit(nearest, 2), hn::Neg(sine_size), sine_size);
}

/// Two normal numbers, times sigma.
HWY_ATTR HWY_INLINE void box_muller(Words first, Words second, float sigma, Vector& a, Vector& b) {
  const Tag tag;
  const Vector share = hn::Sub(hn::Set(tag, 1.0F), uniform(first));  // in (0, 1]
  const Vector radius =
      hn::Mul(hn::Set(tag, sigma), hn::Sqrt(hn::Mul(hn::Set(tag, -2.0F), logarithm(share))));
  Vector cosine;
  Vector sine;
  circle(uniform(second), cosine, sine);
  a = hn::Mul(radius, cosine);
  b = hn::Mul(radius, sine);
}

HWY_ATTR void noise(std::uint64_t key, float sigma, const Planes& out) {
  constexpr std::size_t kGroup = 4 * kPixelLanes;  // values of kPixelLanes blocks
  const Tag tag;
  const WordTag words;
  const auto key0 = static_cast<std::uint32_t>(key);
  const auto key1 = static_cast<std::uint32_t>(key >> 32);
  const auto purpose = static_cast<std::uint32_t>(Purpose::kNoise) << 16;
  for (std::uint32_t c = 0; c < 3; ++c) {
    float* plane = out.data + c * out.stride;
    for (std::size_t i = 0; i < out.n; i += kGroup) {
      for (std::size_t lane = 0; lane < kPixelLanes; lane += hn::Lanes(tag)) {
        const auto block = static_cast<std::uint32_t>(i / 4 + lane);
        Words counter[4] = {hn::Iota(words, block), hn::Set(words, c), hn::Zero(words),
                            hn::Set(words, purpose)};
        philox(counter, key0, key1);
        Vector values[4];
        box_muller(counter[0], counter[1], sigma, values[0], values[1]);
        box_muller(counter[2], counter[3], sigma, values[2], values[3]);
        for (std::size_t j = 0; j < 4 && i + j * kPixelLanes < out.n; ++j)
          hn::StoreU(values[j], tag, plane + i + j * kPixelLanes + lane);
      }
    }
  }
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {

HWY_EXPORT(noise);

void normal_noise(std::uint64_t key, float sigma, const Planes& noise) {
  HWY_DYNAMIC_DISPATCH(noise)(key, sigma, noise);
}

}  // namespace simclr
#endif  // HWY_ONCE
