#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "simclr/config/settings.h"
#include "simclr/core/random.h"
#include "simclr/data/dataset.h"

// A view in two steps: draw (key -> parameters) and apply (image, parameters -> pixels). Applying
// is exact and draws nothing, so that the same parameters can be given to torchvision and compared.
namespace simclr {

struct CropBox {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

enum class JitterOp : std::uint8_t { kBrightness, kContrast, kSaturation, kHue };

/// Everything that is random about one view of the seed pipeline.
struct ViewParams {
  CropBox crop;
  bool flip = false;
  bool jitter = false;
  std::array<JitterOp, 4> order{JitterOp::kBrightness, JitterOp::kContrast, JitterOp::kSaturation,
                                JitterOp::kHue};
  float brightness = 1.0F;  ///< factor
  float contrast = 1.0F;    ///< factor
  float saturation = 1.0F;  ///< factor
  float hue = 0.0F;         ///< turns, in [-0.5, 0.5]
  bool greyscale = false;
};

/// Draws a view of an image of height x width, as torchvision's RandomResizedCrop (ten tries, then
/// the centre), RandomHorizontalFlip, RandomApply(ColorJitter), RandomGrayscale do.
ViewParams draw_view(const AugmentSettings& settings, int height, int width, Random& random);

/// The view that changes nothing but the size: the whole image.
ViewParams whole_image(int height, int width);

/// Applies `params` in torchvision's order on float [0, 1] (resize bilinear with
/// align_corners=False and without antialiasing, as torchvision's float tensors; flip; jitter;
/// greyscale), then normalises.
/// @param view    f32 [side, side, 3], written
void apply_view(const Image& image, const ViewParams& params, Normalization normalization, int side,
                std::span<float> view);

}  // namespace simclr
