#pragma once

#include <array>
#include <string>

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

/// What the views of crop_flip lack, for people: "" if they crop and flip, else " (the run's
/// pipeline has no crop)", ...
std::string crop_flip_note(const AugmentSettings& settings);

}  // namespace simclr
