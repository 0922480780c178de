#include "simclr/augment/presets.h"

#include <algorithm>
#include <utility>
#include <variant>

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

AugmentSettings crop_flip(const AugmentSettings& settings) {
  AugmentSettings kept = settings;
  kept.pipeline.clear();
  kept.second_pipeline.reset();
  for (const OperationSettings& operation : settings.pipeline) {
    const bool moves = std::holds_alternative<ResizedCropSettings>(operation) ||
                       std::holds_alternative<CropSettings>(operation) ||
                       std::holds_alternative<FlipSettings>(operation);
    if (moves) kept.pipeline.push_back(operation);
  }
  return kept;
}

std::string crop_flip_note(const AugmentSettings& settings) {
  const AugmentSettings kept = crop_flip(settings);
  const auto flips = std::count_if(kept.pipeline.begin(), kept.pipeline.end(), [](const auto& o) {
    return std::holds_alternative<FlipSettings>(o);
  });
  const bool crops = std::cmp_greater(kept.pipeline.size(), flips);
  if (crops && flips > 0) return "";
  if (crops) return " (the run's pipeline has no flip)";
  return flips > 0 ? " (the run's pipeline has no crop)"
                   : " (the run's pipeline has no crop and no flip)";
}

}  // namespace simclr
