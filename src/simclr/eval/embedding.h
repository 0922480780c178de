#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/model/simclr_model.h"

namespace simclr {

/// What turns views into the vectors that protocols score.
struct Embedding {
  std::string name;                                         ///< for people: "trained encoder"
  std::function<at::Tensor(const at::Tensor&)> vectors_of;  ///< f32 [B, 3, S, S] -> f32 [B, width]
  std::function<std::string()> fingerprint;                 ///< of its weights; "" if it has none
  std::int64_t width = 0;
  int side = 0;  ///< S of the views that it takes
  c10::Device device = c10::kCPU;
};

/// A model in eval mode, which it is put into at every call: its features, or its projections.
/// `model` must outlive the result.
Embedding embedding_of(SimclrModel& model, ScoredVectors on, int side, std::string name);

/// The pixels themselves, of views of at most 32 x 32 (larger images are shrunk to that).
Embedding raw_pixels(int side);

}  // namespace simclr
