#pragma once

#include <cstdint>

#include "simclr/kernels/pixels.h"

namespace simclr {

/// Normal noise: mean 0, standard deviation sigma, by Box and Muller from Philox's blocks. Value i
/// of channel c is number i / 16 % 4 that block i / 64 * 16 + i % 16 of the stream
/// RandomKey{.seed = key, .purpose = kNoise, .sample = c} gives: its first two words make the
/// numbers 0 and 1, the other two 2 and 3. Within 2e-6 * sigma of exact.
/// @param noise  f32 [3, stride], written
void normal_noise(std::uint64_t key, float sigma, const Planes& noise);

}  // namespace simclr
