#pragma once

#include <array>

#include "simclr/config/settings.h"

namespace simclr {

/// Per channel, of pixels in [0, 1].
struct ChannelStatistics {
  std::array<float, 3> mean;
  std::array<float, 3> deviation;
};

/// What a normalisation subtracts and divides by; kNone: 0 and 1.
ChannelStatistics channel_statistics(Normalization normalization);

/// The same crop, flip and normalisation, and nothing else: the views of training with labels.
/// Chen et al. 2020, B.6.
AugmentSettings crop_flip(const AugmentSettings& settings);

}  // namespace simclr
