#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "simclr/augment/autoaugment.h"
#include "simclr/config/pipeline.h"
#include "simclr/core/random.h"

// A view in two steps: draw (key -> parameters, here) and apply (image, parameters -> pixels, in
// apply.h). Applying is exact and draws nothing, so that the same parameters can be given to
// torchvision and compared.
namespace simclr {

struct CropBox {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

/// Where a view's corner lies in the resized image; what lies outside is black. RandomCrop.
struct Shift {
  int top = 0;
  int left = 0;
};

enum class JitterOp : std::uint8_t { kBrightness, kContrast, kSaturation, kHue };

struct JitterParams {
  std::array<JitterOp, 4> order{JitterOp::kBrightness, JitterOp::kContrast, JitterOp::kSaturation,
                                JitterOp::kHue};
  float brightness = 1.0F;  ///< factor
  float contrast = 1.0F;    ///< factor
  float saturation = 1.0F;  ///< factor
  float hue = 0.0F;         ///< turns, in [-0.5, 0.5]
};

struct GreyscaleParams {};

struct BlurParams {
  int kernel = 3;      ///< taps, odd
  float sigma = 1.0F;  ///< pixels
};

struct SolarizeParams {
  float threshold = 0.5F;
};

struct NoiseParams {
  float sigma = 0.0F;
  std::uint64_t key = 0;  ///< of the stream that the noise is taken from
};

using ViewStep = std::variant<AutoAugmentParams, JitterParams, GreyscaleParams, BlurParams,
                              SolarizeParams, NoiseParams>;

/// Everything that is random about one view: the box that is resized to it, then a shift, then a
/// flip, then what happens to its pixels, in order.
struct ViewParams {
  CropBox crop;
  Shift shift;
  bool flip = false;
  std::vector<ViewStep> steps;
};

/// Draws a view of an image of height x width, as torchvision's transforms of the same names do
/// (RandomResizedCrop: ten tries, then the centre).
/// @param side  S of the view: what the shift of a crop and the kernel of a blur are measured by
void draw_view(const Pipeline& pipeline, int height, int width, int side, Random& random,
               ViewParams& params);
ViewParams draw_view(const Pipeline& pipeline, int height, int width, int side, Random& random);

/// The view that changes nothing but the size: the whole image.
ViewParams whole_image(int height, int width);

}  // namespace simclr
