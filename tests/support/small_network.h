#pragma once

#include "simclr/config/settings.h"

namespace simclr {

/// A network that a test trains in a moment.
inline ModelSettings small_network() {
  ModelSettings model;
  model.width = 0.25;
  model.head_hidden = 32;
  model.projection_dim = 16;
  return model;
}

}  // namespace simclr
