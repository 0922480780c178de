#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "simclr/augment/u8_ops.h"
#include "simclr/core/random.h"

// AutoAugment with the policy learned on CIFAR-10, as torchvision's AutoAugmentPolicy.CIFAR10 has
// it: one of 25 pairs of operations. Cubuk et al. 2019, arXiv:1805.09501.
namespace simclr {

/// The operations that were drawn to happen, in order: none, one or both of a pair.
struct AutoAugmentParams {
  std::array<U8Step, 2> steps;
  int count = 0;
};

/// Draws a pair (each equally likely), for each of its operations whether it happens, and for each
/// a sign (either equally likely; used where the operation has one).
AutoAugmentParams draw_autoaugment(int height, int width, Random& random);

/// Applies them. As apply_u8_step: in place, exact, nothing allocated once `scratch` has grown.
/// @param rgb  u8 [height, width, 3]
void apply_autoaugment(std::span<std::uint8_t> rgb, int height, int width,
                       const AutoAugmentParams& params, U8Scratch& scratch);

/// Strength `bin` of ten (0 to 9) of an operation, without a sign, in U8Step's units. Translations
/// grow with the image; 0 where an operation has no magnitude.
float autoaugment_magnitude(U8Op op, int bin, int height, int width);

}  // namespace simclr
