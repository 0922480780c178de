#pragma once

#include <span>

// Colour operations in place on f32 [n, 3] RGB in [0, 1], equal to
// torchvision.transforms.functional on float tensors (each clamps to [0, 1] at its end, as there).
namespace simclr {

void adjust_brightness(std::span<float> rgb, float factor);
void adjust_contrast(std::span<float> rgb,
                     float factor);  ///< blends with the mean grey of the whole image
void adjust_saturation(std::span<float> rgb, float factor);  ///< blends with each pixel's grey
void adjust_hue(std::span<float> rgb, float turns);          ///< through HSV; turns in [-0.5, 0.5]
void to_greyscale(std::span<float> rgb);  ///< 0.2989 R + 0.587 G + 0.114 B in all three channels

/// (x - mean) / standard deviation, per channel.
void normalize(std::span<float> rgb, std::span<const float, 3> mean,
               std::span<const float, 3> deviation);

}  // namespace simclr
