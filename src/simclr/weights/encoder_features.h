#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "simclr/data/dataset.h"
#include "simclr/weights/load_encoder.h"

namespace simclr {

/// Features of whole images, every one, in order: resized to the side that the encoder was trained
/// on (to the first image's where its file does not say), normalised as its file says (not at all
/// where it does not), by running statistics and without gradients.
/// @param workers  threads that prepare images ahead; never changes the result
/// @return f32 [n, F]
at::Tensor features_of(OpenedEncoder& encoder, const std::shared_ptr<const Dataset>& images,
                       std::int64_t workers = 1);

}  // namespace simclr
