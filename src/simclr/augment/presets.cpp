#include "simclr/augment/presets.h"

namespace simclr {

ChannelStatistics channel_statistics(Normalization normalization) {
  switch (normalization) {
    case Normalization::kCifar10:
      return {{0.4914F, 0.4822F, 0.4465F}, {0.2470F, 0.2435F, 0.2616F}};
    case Normalization::kImageNet:
      return {{0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}};
    case Normalization::kNone:
      break;
  }
  return {{0.0F, 0.0F, 0.0F}, {1.0F, 1.0F, 1.0F}};
}

AugmentSettings crop_flip(AugmentSettings settings) {
  settings.jitter = 0.0;
  settings.greyscale = 0.0;
  return settings;
}

}  // namespace simclr
