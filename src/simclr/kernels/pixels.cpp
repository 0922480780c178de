#include "simclr/kernels/pixels.h"

#include <algorithm>
#include <array>

// Highway compiles this file once for each instruction set and chooses when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/pixels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

// torchvision's weights; they add up to 0.9999, so white turns into 0.9999.
constexpr float kRedWeight = 0.2989F;
constexpr float kGreenWeight = 0.587F;
constexpr float kBlueWeight = 0.114F;

const char* name_of_target() { return hwy::TargetName(HWY_TARGET); }

HWY_ATTR Vector grey(Tag tag, Vector red, Vector green, Vector blue) {
  return hn::Add(
      hn::Add(hn::Mul(hn::Set(tag, kRedWeight), red), hn::Mul(hn::Set(tag, kGreenWeight), green)),
      hn::Mul(hn::Set(tag, kBlueWeight), blue));
}

HWY_ATTR Vector to_unit(Tag tag, Vector value) {
  return hn::Min(hn::Max(value, hn::Zero(tag)), hn::Set(tag, 1.0F));
}

/// factor * value + other, in [0, 1]; `other` has its share already.
HWY_ATTR Vector blend(Tag tag, Vector value, Vector other, Vector factor) {
  return to_unit(tag, hn::Add(hn::Mul(factor, value), other));
}

HWY_ATTR void brightness(const Planes& rgb, float factor) {
  const Tag tag;
  const Vector scale = hn::Set(tag, factor);
  for (std::size_t c = 0; c < 3; ++c) {
    float* plane = rgb.data + c * rgb.stride;
    for (std::size_t i = 0; i < rgb.n; i += hn::Lanes(tag))
      hn::StoreU(to_unit(tag, hn::Mul(scale, hn::LoadU(tag, plane + i))), tag, plane + i);
  }
}

/// Sum of n values: sixteen running sums over blocks of 1,024, whatever the width of a vector; the
/// blocks add up in f64, so that large images are as exact as small ones.
HWY_ATTR double sum(const float* values, std::size_t n) {
  constexpr std::size_t kBlock = 1024;
  const Tag tag;
  const std::size_t lanes = hn::Lanes(tag);
  double total = 0.0;
  for (std::size_t start = 0; start < n; start += kBlock) {
    const std::size_t end = start + kBlock < n ? start + kBlock : n;
    const std::size_t whole = start + (end - start) / kPixelLanes * kPixelLanes;
    alignas(64) float sums[kPixelLanes] = {};
    for (std::size_t lane = 0; lane < kPixelLanes; lane += lanes) {
      Vector running = hn::Zero(tag);
      for (std::size_t i = start + lane; i < whole; i += kPixelLanes)
        running = hn::Add(running, hn::LoadU(tag, values + i));
      hn::StoreU(running, tag, sums + lane);
    }
    for (std::size_t i = whole; i < end; ++i) sums[i - whole] += values[i];
    for (const float lane : sums) total += static_cast<double>(lane);
  }
  return total;
}

HWY_ATTR void contrast(const Planes& rgb, float factor) {
  const Tag tag;
  std::array<float, 3> means{};
  for (std::size_t c = 0; c < 3; ++c)
    means[c] =
        static_cast<float>(sum(rgb.data + c * rgb.stride, rgb.n) / static_cast<double>(rgb.n));
  // Grey is linear, so its mean is the grey of the channels' means.
  const float mean = kRedWeight * means[0] + kGreenWeight * means[1] + kBlueWeight * means[2];
  const Vector other = hn::Set(tag, (1.0F - factor) * mean);
  const Vector scale = hn::Set(tag, factor);
  for (std::size_t c = 0; c < 3; ++c) {
    float* plane = rgb.data + c * rgb.stride;
    for (std::size_t i = 0; i < rgb.n; i += hn::Lanes(tag))
      hn::StoreU(blend(tag, hn::LoadU(tag, plane + i), other, scale), tag, plane + i);
  }
}

HWY_ATTR void saturation(const Planes& rgb, float factor) {
  const Tag tag;
  const Vector scale = hn::Set(tag, factor);
  const Vector rest = hn::Set(tag, 1.0F - factor);
  for (std::size_t i = 0; i < rgb.n; i += hn::Lanes(tag)) {
    float* at = rgb.data + i;
    const Vector red = hn::LoadU(tag, at);
    const Vector green = hn::LoadU(tag, at + rgb.stride);
    const Vector blue = hn::LoadU(tag, at + 2 * rgb.stride);
    const Vector other = hn::Mul(rest, grey(tag, red, green, blue));
    hn::StoreU(blend(tag, red, other, scale), tag, at);
    hn::StoreU(blend(tag, green, other, scale), tag, at + rgb.stride);
    hn::StoreU(blend(tag, blue, other, scale), tag, at + 2 * rgb.stride);
  }
}

/// Hue in sextants, in [-1, 5]: red 0, green 2, blue 4. Any value does where chroma is 0.
HWY_ATTR Vector hue_sextants(Tag tag, Vector red, Vector green, Vector blue, Vector highest,
                             Vector chroma) {
  const auto is_red = hn::Eq(highest, red);
  const auto is_green = hn::Eq(highest, green);
  const Vector origin = hn::IfThenElse(
      is_red, hn::Zero(tag), hn::IfThenElse(is_green, hn::Set(tag, 2.0F), hn::Set(tag, 4.0F)));
  const Vector ahead = hn::IfThenElse(is_red, green, hn::IfThenElse(is_green, blue, red));
  const Vector behind = hn::IfThenElse(is_red, blue, hn::IfThenElse(is_green, red, green));
  const Vector one = hn::Set(tag, 1.0F);
  const Vector divisor = hn::IfThenElse(hn::Gt(chroma, hn::Zero(tag)), chroma, one);
  return hn::Add(origin, hn::Div(hn::Sub(ahead, behind), divisor));
}

/// Into [0, 6], from [-6, 12].
HWY_ATTR Vector wrap(Tag tag, Vector sextants) {
  const Vector six = hn::Set(tag, 6.0F);
  const Vector raised = hn::Add(sextants, hn::IfThenElseZero(hn::Lt(sextants, hn::Zero(tag)), six));
  return hn::Sub(raised, hn::IfThenElseZero(hn::Gt(raised, six), six));
}

HWY_ATTR void hue(const Planes& rgb, float turns) {
  const Tag tag;
  const Vector shift = hn::Set(tag, 6.0F * turns);
  const Vector one = hn::Set(tag, 1.0F);
  const Vector two = hn::Set(tag, 2.0F);
  for (std::size_t i = 0; i < rgb.n; i += hn::Lanes(tag)) {
    float* at = rgb.data + i;
    const Vector red = hn::LoadU(tag, at);
    const Vector green = hn::LoadU(tag, at + rgb.stride);
    const Vector blue = hn::LoadU(tag, at + 2 * rgb.stride);
    const Vector highest = hn::Max(red, hn::Max(green, blue));
    const Vector chroma = hn::Sub(highest, hn::Min(red, hn::Min(green, blue)));
    const Vector turned =
        wrap(tag, hn::Add(hue_sextants(tag, red, green, blue, highest, chroma), shift));
    // Turning the hue keeps HSV's value and saturation, hence also the highest channel and chroma.
    const auto distance = [&](float from)
                              HWY_ATTR { return hn::Abs(hn::Sub(turned, hn::Set(tag, from))); };
    const auto channel = [&](Vector share) HWY_ATTR {
      return hn::Sub(highest, hn::Mul(chroma, to_unit(tag, share)));
    };
    hn::StoreU(channel(hn::Sub(two, distance(3.0F))), tag, at);
    hn::StoreU(channel(hn::Sub(distance(2.0F), one)), tag, at + rgb.stride);
    hn::StoreU(channel(hn::Sub(distance(4.0F), one)), tag, at + 2 * rgb.stride);
  }
}

HWY_ATTR void greyscale(const Planes& rgb) {
  const Tag tag;
  for (std::size_t i = 0; i < rgb.n; i += hn::Lanes(tag)) {
    float* at = rgb.data + i;
    const Vector value = grey(tag, hn::LoadU(tag, at), hn::LoadU(tag, at + rgb.stride),
                              hn::LoadU(tag, at + 2 * rgb.stride));
    for (std::size_t c = 0; c < 3; ++c) hn::StoreU(value, tag, at + c * rgb.stride);
  }
}

HWY_ATTR void invert_from(const Planes& rgb, float threshold) {
  const Tag tag;
  const Vector limit = hn::Set(tag, threshold);
  for (std::size_t c = 0; c < 3; ++c) {
    float* plane = rgb.data + c * rgb.stride;
    for (std::size_t i = 0; i < rgb.n; i += hn::Lanes(tag)) {
      const Vector value = hn::LoadU(tag, plane + i);
      const Vector inverse = hn::Sub(hn::Set(tag, 1.0F), value);
      hn::StoreU(hn::IfThenElse(hn::Ge(value, limit), inverse, value), tag, plane + i);
    }
  }
}

HWY_ATTR void add(const Planes& rgb, const float* noise) {
  const Tag tag;
  for (std::size_t c = 0; c < 3; ++c) {
    float* plane = rgb.data + c * rgb.stride;
    const float* added = noise + c * rgb.stride;
    for (std::size_t i = 0; i < rgb.n; i += hn::Lanes(tag)) {
      const Vector value = hn::Add(hn::LoadU(tag, plane + i), hn::LoadU(tag, added + i));
      hn::StoreU(to_unit(tag, value), tag, plane + i);
    }
  }
}

HWY_ATTR void from_bytes(const std::uint8_t* bytes, const Planes& rgb) {
  unpack(bytes, rgb.n, rgb.data, rgb.stride);
}

HWY_ATTR void to_bytes(const Planes& rgb, std::uint8_t* out) {
  const Tag tag;
  const hn::CappedTag<std::uint8_t, kPixelLanes> bytes;
  alignas(64) std::uint8_t channels[3][kPixelLanes];
  alignas(64) std::uint8_t block[3 * kPixelLanes];
  for (std::size_t i = 0; i < rgb.n; i += kPixelLanes) {
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t lane = 0; lane < kPixelLanes; lane += hn::Lanes(tag)) {
        const Vector value = hn::LoadU(tag, rgb.data + c * rgb.stride + i + lane);
        const Vector level = hn::Add(hn::Mul(value, hn::Set(tag, 255.0F)), hn::Set(tag, 0.5F));
        hn::StoreU(hn::DemoteTo(ByteTag(), hn::ConvertTo(IntTag(), level)), ByteTag(),
                   channels[c] + lane);
      }
    }
    for (std::size_t lane = 0; lane < kPixelLanes; lane += hn::Lanes(bytes))
      hn::StoreInterleaved3(hn::LoadU(bytes, channels[0] + lane),
                            hn::LoadU(bytes, channels[1] + lane),
                            hn::LoadU(bytes, channels[2] + lane), bytes, block + 3 * lane);
    std::memcpy(out + 3 * i, block, 3 * std::min(kPixelLanes, rgb.n - i));
  }
}

HWY_ATTR void interleave(const Planes& rgb, const float* mean, const float* deviation, float* out) {
  const Tag tag;
  const std::size_t lanes = hn::Lanes(tag);
  const float scale[] = {1.0F / deviation[0], 1.0F / deviation[1], 1.0F / deviation[2]};
  std::size_t i = 0;
  for (; i + lanes <= rgb.n; i += lanes) {
    const auto channel = [&](std::size_t c) HWY_ATTR {
      const Vector value = hn::LoadU(tag, rgb.data + c * rgb.stride + i);
      return hn::Mul(hn::Sub(value, hn::Set(tag, mean[c])), hn::Set(tag, scale[c]));
    };
    hn::StoreInterleaved3(channel(0), channel(1), channel(2), tag, out + 3 * i);
  }
  for (; i < rgb.n; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      out[3 * i + c] = (rgb.data[c * rgb.stride + i] - mean[c]) * scale[c];
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {

HWY_EXPORT(name_of_target);
HWY_EXPORT(brightness);
HWY_EXPORT(contrast);
HWY_EXPORT(saturation);
HWY_EXPORT(hue);
HWY_EXPORT(greyscale);
HWY_EXPORT(invert_from);
HWY_EXPORT(add);
HWY_EXPORT(from_bytes);
HWY_EXPORT(to_bytes);
HWY_EXPORT(interleave);

const char* instruction_set() { return HWY_DYNAMIC_DISPATCH(name_of_target)(); }
void adjust_brightness(const Planes& rgb, float factor) {
  HWY_DYNAMIC_DISPATCH(brightness)(rgb, factor);
}
void adjust_contrast(const Planes& rgb, float factor) {
  HWY_DYNAMIC_DISPATCH(contrast)(rgb, factor);
}
void adjust_saturation(const Planes& rgb, float factor) {
  HWY_DYNAMIC_DISPATCH(saturation)(rgb, factor);
}
void adjust_hue(const Planes& rgb, float turns) { HWY_DYNAMIC_DISPATCH(hue)(rgb, turns); }
void to_greyscale(const Planes& rgb) { HWY_DYNAMIC_DISPATCH(greyscale)(rgb); }
void solarize(const Planes& rgb, float threshold) {
  HWY_DYNAMIC_DISPATCH(invert_from)(rgb, threshold);
}
void add_clamped(const Planes& rgb, const float* noise) { HWY_DYNAMIC_DISPATCH(add)(rgb, noise); }
void bytes_to_planes(const std::uint8_t* bytes, const Planes& rgb) {
  HWY_DYNAMIC_DISPATCH(from_bytes)(bytes, rgb);
}
void planes_to_bytes(const Planes& rgb, std::uint8_t* bytes) {
  HWY_DYNAMIC_DISPATCH(to_bytes)(rgb, bytes);
}
void interleave_normalized(const Planes& rgb, std::span<const float, 3> mean,
                           std::span<const float, 3> deviation, float* out) {
  HWY_DYNAMIC_DISPATCH(interleave)(rgb, mean.data(), deviation.data(), out);
}

}  // namespace simclr
#endif  // HWY_ONCE
