#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// Operations on the pixels of one image, in SIMD of whatever width the processor has. Every value
// is computed by the same operations in the same order for each width, so results do not depend on
// it, to the bit. Equal to torchvision.transforms.functional on float tensors (each clamps to [0,
// 1] at its end, as there).
namespace simclr {

/// Planes are padded to a multiple of this, and the padding may be read and written.
inline constexpr std::size_t kPixelLanes = 16;

inline constexpr std::size_t padded(std::size_t n) {
  return (n + kPixelLanes - 1) / kPixelLanes * kPixelLanes;
}

/// f32 [3, stride], RGB in [0, 1], of which n values of each channel count; stride >= padded(n).
struct Planes {
  float* data = nullptr;
  std::size_t n = 0;
  std::size_t stride = 0;
};

/// The instruction set that the kernels use here: "AVX3", ...
const char* instruction_set();

void adjust_brightness(const Planes& rgb, float factor);
void adjust_contrast(const Planes& rgb,
                     float factor);  ///< blends with the mean grey of the whole image
void adjust_saturation(const Planes& rgb, float factor);  ///< blends with each pixel's grey
void adjust_hue(const Planes& rgb, float turns);          ///< through HSV; turns in [-0.5, 0.5]
void to_greyscale(const Planes& rgb);  ///< 0.2989 R + 0.587 G + 0.114 B in all three channels
void solarize(const Planes& rgb, float threshold);  ///< 1 - x where x >= threshold

/// x + noise, clamped to [0, 1]. @param noise  f32 [3, stride]
void add_clamped(const Planes& rgb, const float* noise);

/// u8 [n, 3] / 255 as planes, rounded correctly.
void bytes_to_planes(const std::uint8_t* bytes, const Planes& rgb);

/// Values in [0, 1] to the nearest of 255 levels. @param bytes  u8 [n, 3], written
void planes_to_bytes(const Planes& rgb, std::uint8_t* bytes);

/// The planes as f32 [n, 3], each value less its channel's mean and divided by its deviation (times
/// the deviation's inverse: a unit in the last place from a division).
void interleave_normalized(const Planes& rgb, std::span<const float, 3> mean,
                           std::span<const float, 3> deviation, float* out);

}  // namespace simclr
