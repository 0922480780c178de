// What kernels share. Highway includes this once for each instruction set, hence this guard.
#if defined(SIMCLR_KERNELS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIMCLR_KERNELS_VECTORS_INL_H_
#undef SIMCLR_KERNELS_VECTORS_INL_H_
#else
#define SIMCLR_KERNELS_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

#include "simclr/kernels/pixels.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, kPixelLanes>;
using Vector = hn::Vec<Tag>;
using IntTag = hn::Rebind<std::int32_t, Tag>;
using IntVector = hn::Vec<IntTag>;
using ByteTag = hn::Rebind<std::uint8_t, Tag>;  // as many bytes as a Vector has values

// Multiplications and additions stay apart everywhere: a fused one rounds once, and only some
// processors have it.

/// bytes / 255 as floats, rounded correctly.
HWY_ATTR HWY_INLINE Vector bytes_as_unit(Tag tag, const std::uint8_t* bytes) {
  // The first product is exact, the second too small to be rounded wrongly; a division is slower.
  constexpr float kHigh = 0x1.01p-8F;
  constexpr auto kLow = static_cast<float>(1.0 / 255.0 - static_cast<double>(kHigh));
  const Vector value = hn::ConvertTo(tag, hn::PromoteTo(IntTag(), hn::LoadU(ByteTag(), bytes)));
  return hn::Add(hn::Mul(value, hn::Set(tag, kHigh)), hn::Mul(value, hn::Set(tag, kLow)));
}

/// kPixelLanes pixels, u8 [kPixelLanes, 3], to f32 [3, stride] in [0, 1].
HWY_ATTR HWY_INLINE void unpack_block(const std::uint8_t* rgb, float* planes, std::size_t stride) {
  const hn::CappedTag<std::uint8_t, kPixelLanes> bytes;
  const Tag tag;
  alignas(64) std::uint8_t channels[3][kPixelLanes];
  for (std::size_t i = 0; i < kPixelLanes; i += hn::Lanes(bytes)) {
    hn::Vec<decltype(bytes)> red, green, blue;
    hn::LoadInterleaved3(bytes, rgb + 3 * i, red, green, blue);
    hn::StoreU(red, bytes, channels[0] + i);
    hn::StoreU(green, bytes, channels[1] + i);
    hn::StoreU(blue, bytes, channels[2] + i);
  }
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < kPixelLanes; i += hn::Lanes(tag))
      hn::StoreU(bytes_as_unit(tag, channels[c] + i), tag, planes + c * stride + i);
}

/// u8 [n, 3] to f32 [3, stride] in [0, 1]; stride >= padded(n). Reads nothing beyond.
HWY_ATTR HWY_INLINE void unpack(const std::uint8_t* rgb, std::size_t n, float* planes,
                                std::size_t stride) {
  std::size_t i = 0;
  for (; i + kPixelLanes <= n; i += kPixelLanes) unpack_block(rgb + 3 * i, planes + i, stride);
  if (i == n) return;
  std::uint8_t rest[3 * kPixelLanes] = {};
  std::memcpy(rest, rgb + 3 * i, 3 * (n - i));
  unpack_block(rest, planes + i, stride);
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // SIMCLR_KERNELS_VECTORS_INL_H_
