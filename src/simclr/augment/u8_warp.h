#pragma once

#include <cstdint>
#include <span>

#include "simclr/augment/u8_ops.h"

// The operations of u8_ops.h that move pixels.
namespace simclr {

/// Shears, moves or turns the image; nearest neighbour, black outside.
/// @param step  kShearX, kShearY, kTranslateX, kTranslateY or kRotate
void apply_warp(std::span<std::uint8_t> rgb, int height, int width, const U8Step& step,
                U8Scratch& scratch);

}  // namespace simclr
