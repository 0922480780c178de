#pragma once

#include <cstdint>
#include <span>
#include <vector>

// AutoAugment's fourteen operations on u8 RGB [h, w, 3], in place. Cubuk et al. 2019,
// arXiv:1805.09501. Each gives, byte for byte, what torchvision 0.14's functions give for uint8
// tensors (nearest neighbour, black outside); see U8Op for what they give for PIL images.
namespace simclr {

/// The operations; in brackets the unit of U8Step::magnitude; then the share of bytes that
/// torchvision's way through PIL gives otherwise, and by how many of 255 levels at most (images and
/// magnitudes of tests/golden/make_autoaugment.py; "same" is no byte). Float tensors have no
/// AutoAugment: torchvision refuses to posterise or equalise them.
///
/// Shear and rotation can read from exactly between two pixels, where torchvision's choice is the
/// rounding of its BLAS. We round after every operation, as Debian's reference BLAS does. Where
/// products and sums are fused (MKL; torchvision 0.29 on PyTorch 2.13), 17 of the 1222 golden
/// results differ, in 0.08 % of the bytes. Of the policy's own magnitudes only the rotation can: 3
/// pixels in a million.
enum class U8Op : std::uint8_t {
  kShearX,        ///< [columns to the left per row] about the top left corner; PIL: 2.3 %, 253
  kShearY,        ///< [rows upwards per column] about the top left corner; PIL: 2.2 %, 255
  kTranslateX,    ///< [pixels to the right] cut to whole ones, towards 0; PIL: same
  kTranslateY,    ///< [pixels downwards] cut to whole ones, towards 0; PIL: same
  kRotate,        ///< [degrees counter-clockwise] about the centre; PIL: 0.035 %, 241
  kBrightness,    ///< [factor - 1] blends with black; PIL: same
  kColor,         ///< [factor - 1] blends with each pixel's grey; PIL: 23 %, 1
  kContrast,      ///< [factor - 1] blends with the mean grey of the image; PIL: 24 %, 2
  kSharpness,     ///< [factor - 1] blends with a 3 x 3 blur if sides are 3 and more; PIL: 1.8 %, 1
  kPosterize,     ///< [bits that are kept, 0 to 8]; PIL: same
  kSolarize,      ///< [threshold, 0 to 255] inverts values from there on; PIL: same
  kAutoContrast,  ///< stretches each channel to 0 ... 255; PIL: 0.32 %, 1
  kEqualize,      ///< evens out each channel's histogram; PIL: same
  kInvert,        ///< PIL: same
};

struct U8Step {
  U8Op op = U8Op::kInvert;
  float magnitude = 0.0F;  ///< signed; 0 where an operation has none
};

/// Buffers that steps share. They grow to the largest image seen and are never read between steps.
struct U8Scratch {
  std::vector<std::uint8_t> source;  // the image before the step
  std::vector<float> columns;        // what a column adds to the coordinates it reads
  std::vector<std::int32_t> pixels;  // the pixels that a row reads
};

/// Applies one step. Any magnitude is safe, also one that is not a number.
/// @param rgb      u8 [height, width, 3], height and width at least 1
/// @param scratch  one per thread; once it has seen an image of this size nothing is allocated
/// Contrast is torchvision's up to 65,793 pixels (16.7 million / 255): beyond, its f32 sum rounds.
void apply_u8_step(std::span<std::uint8_t> rgb, int height, int width, const U8Step& step,
                   U8Scratch& scratch);

}  // namespace simclr
