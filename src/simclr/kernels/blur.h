#pragma once

#include <vector>

#include "simclr/kernels/pixels.h"

namespace simclr {

/// Gaussian blur in place, as torchvision.transforms.functional.gaussian_blur: a sampled Gaussian
/// of `kernel` taps, columns and rows apart, borders reflected.
/// @param rgb     n = side * side; stride at least n + kPixelLanes
/// @param kernel  odd, at most 2 * side - 1
/// @param sigma   > 0, in pixels
/// @param scratch memory kept from call to call
void gaussian_blur(const Planes& rgb, int side, int kernel, float sigma,
                   std::vector<float>& scratch);

}  // namespace simclr
