#pragma once

#include <variant>

#include "simclr/augment/view.h"

namespace simclr {

/// The seed's four operations, each within reach of a test.
struct SeedSettings {
  ResizedCropSettings crop;
  FlipSettings flip;
  JitterSettings jitter;
  GreyscaleSettings greyscale;

  operator Pipeline() const { return {crop, flip, jitter, greyscale}; }  // NOLINT: a test's comfort
};

/// The step of this type, or nullptr.
template <class Step>
const Step* find_step(const ViewParams& view) {
  for (const ViewStep& step : view.steps)
    if (const auto* found = std::get_if<Step>(&step)) return found;
  return nullptr;
}

}  // namespace simclr
