#pragma once

#include <ATen/ops/empty.h>

#include "simclr/core/random.h"
#include "simclr/eval/features.h"

namespace simclr {

/// `count` points around one centre per class, f32, `noise` wide; labels go round. Another `sample`
/// gives other points around the same centres.
inline Features toy_features(std::int64_t count, std::int64_t width, std::int64_t classes,
                             float noise, std::uint32_t sample) {
  Features features{at::empty({count, width}, at::kFloat), at::empty({count}, at::kLong)};
  Random points(RandomKey{.seed = 3, .sample = sample});
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = i % classes;
    features.labels.data_ptr<std::int64_t>()[i] = label;
    Random centre(RandomKey{.seed = 4, .sample = static_cast<std::uint32_t>(label)});
    for (std::int64_t d = 0; d < width; ++d)
      features.x.data_ptr<float>()[i * width + d] = centre.normal() + noise * points.normal();
  }
  return features;
}

inline FeatureSplits toy_splits(float noise) {
  return {toy_features(300, 8, 3, noise, 1), toy_features(90, 8, 3, noise, 2),
          toy_features(150, 8, 3, noise, 3)};
}

/// The same features with labels that have nothing to do with them.
inline Features with_random_labels(Features features, std::int64_t classes, std::uint32_t sample) {
  features.labels = features.labels.clone();
  Random random(RandomKey{.seed = 5, .sample = sample});
  for (std::int64_t i = 0; i < features.labels.numel(); ++i)
    features.labels.data_ptr<std::int64_t>()[i] = random.below(static_cast<std::uint32_t>(classes));
  return features;
}

}  // namespace simclr
