#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "simclr/augment/apply.h"
#include "simclr/core/random.h"

namespace simclr {

constexpr float kRounding = 1e-6F;  // a few operations in f32 on values in [0, 1]

inline std::vector<std::uint8_t> random_image(int height, int width) {
  Random random(RandomKey{.seed = 21});
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width * 3));
  for (std::uint8_t& value : pixels) value = static_cast<std::uint8_t>(random.below(256));
  return pixels;
}

/// f32 [side, side, 3]
inline std::vector<float> view_of(const Image& image, const ViewParams& params, int side,
                                  Normalization normalization = Normalization::kNone) {
  std::vector<float> view(static_cast<std::size_t>(side * side * 3), NAN);
  ViewScratch scratch;
  apply_view(image, params, normalization, side, scratch, view);
  return view;
}

/// The whole image with these steps.
template <class... Steps>
ViewParams with_steps(const Image& image, const Steps&... steps) {
  ViewParams params = whole_image(image.height, image.width);
  (params.steps.emplace_back(steps), ...);
  return params;
}

}  // namespace simclr
