#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "simclr/augment/autoaugment.h"
#include "simclr/augment/view.h"
#include "simclr/config/settings.h"
#include "simclr/data/dataset.h"
#include "simclr/kernels/resize.h"

namespace simclr {

/// Memory that applying views needs, kept from view to view: one for each thread.
struct ViewScratch {
  ResizeFilters columns;
  ResizeFilters rows;
  ResizeScratch resize;
  std::vector<float> planes;  // [3, stride]
  std::vector<float> other;   // a second set of planes, for what cannot work in place
  std::vector<std::uint8_t> bytes;
  U8Scratch u8;
};

/// Applies `params` on values in [0, 1], in torchvision's order and equal to its float tensors: the
/// crop resized bilinearly with antialiasing (antialias=True; a view larger than its crop is the
/// same without), shifted, flipped, then the steps; then normalises.
/// @param view  f32 [side, side, 3], written
void apply_view(const Image& image, const ViewParams& params, Normalization normalization, int side,
                ViewScratch& scratch, std::span<float> view);

}  // namespace simclr
