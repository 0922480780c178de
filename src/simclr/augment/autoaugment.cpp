#include "simclr/augment/autoaugment.h"

#include <cassert>
#include <cmath>
#include <cstddef>

namespace simclr {
namespace {

using enum U8Op;

struct PolicyStep {
  U8Op op;
  float probability;
  int bin;  // of ten; without meaning where the operation has no magnitude
};

constexpr int kNone = 0;
constexpr int kLastBin = 9;

using Policy = std::array<std::array<PolicyStep, 2>, 25>;
constexpr Policy kCifar10Policy{{
    {{{kInvert, 0.1F, kNone}, {kContrast, 0.2F, 6}}},
    {{{kRotate, 0.7F, 2}, {kTranslateX, 0.3F, 9}}},
    {{{kSharpness, 0.8F, 1}, {kSharpness, 0.9F, 3}}},
    {{{kShearY, 0.5F, 8}, {kTranslateY, 0.7F, 9}}},
    {{{kAutoContrast, 0.5F, kNone}, {kEqualize, 0.9F, kNone}}},
    {{{kShearY, 0.2F, 7}, {kPosterize, 0.3F, 7}}},
    {{{kColor, 0.4F, 3}, {kBrightness, 0.6F, 7}}},
    {{{kSharpness, 0.3F, 9}, {kBrightness, 0.7F, 9}}},
    {{{kEqualize, 0.6F, kNone}, {kEqualize, 0.5F, kNone}}},
    {{{kContrast, 0.6F, 7}, {kSharpness, 0.6F, 5}}},
    {{{kColor, 0.7F, 7}, {kTranslateX, 0.5F, 8}}},
    {{{kEqualize, 0.3F, kNone}, {kAutoContrast, 0.4F, kNone}}},
    {{{kTranslateY, 0.4F, 3}, {kSharpness, 0.2F, 6}}},
    {{{kBrightness, 0.9F, 6}, {kColor, 0.2F, 8}}},
    {{{kSolarize, 0.5F, 2}, {kInvert, 0.0F, kNone}}},
    {{{kEqualize, 0.2F, kNone}, {kAutoContrast, 0.6F, kNone}}},
    {{{kEqualize, 0.2F, kNone}, {kEqualize, 0.6F, kNone}}},
    {{{kColor, 0.9F, 9}, {kEqualize, 0.6F, kNone}}},
    {{{kAutoContrast, 0.8F, kNone}, {kSolarize, 0.2F, 8}}},
    {{{kBrightness, 0.1F, 3}, {kColor, 0.7F, 0}}},
    {{{kSolarize, 0.4F, 5}, {kAutoContrast, 0.9F, kNone}}},
    {{{kTranslateY, 0.9F, 9}, {kTranslateY, 0.7F, 9}}},
    {{{kAutoContrast, 0.9F, kNone}, {kSolarize, 0.8F, 3}}},
    {{{kEqualize, 0.8F, kNone}, {kInvert, 0.1F, kNone}}},
    {{{kTranslateY, 0.7F, 9}, {kAutoContrast, 0.9F, kNone}}},
}};

/// Evenly spaced from bin 0 to bin 9, counted from the nearer end as torch.linspace does in f32.
float spaced(double first_value, double last_value, int bin) {
  const auto first = static_cast<float>(first_value);
  const auto last = static_cast<float>(last_value);
  const float step = (last - first) / static_cast<float>(kLastBin);
  return bin <= kLastBin / 2 ? first + step * static_cast<float>(bin)
                             : last - step * static_cast<float>(kLastBin - bin);
}

bool has_sign(U8Op op) { return op <= kSharpness; }

}  // namespace

float autoaugment_magnitude(U8Op op, int bin, int height, int width) {
  assert(bin >= 0 && bin <= kLastBin);
  constexpr double kShareOfSide = 150.0 / 331.0;  // the paper's 150 pixels of 331
  switch (op) {
    case kShearX:
    case kShearY:
      return spaced(0.0, 0.3, bin);
    case kTranslateX:
      return spaced(0.0, kShareOfSide * width, bin);
    case kTranslateY:
      return spaced(0.0, kShareOfSide * height, bin);
    case kRotate:
      return spaced(0.0, 30.0, bin);
    case kBrightness:
    case kColor:
    case kContrast:
    case kSharpness:
      return spaced(0.0, 0.9, bin);
    case kPosterize:
      return 8.0F - std::nearbyint(static_cast<float>(bin) / 2.25F);
    case kSolarize:
      return spaced(255.0, 0.0, bin);
    case kAutoContrast:
    case kEqualize:
    case kInvert:
      break;
  }
  return 0.0F;
}

AutoAugmentParams draw_autoaugment(int height, int width, Random& random) {
  AutoAugmentParams params;
  const auto choice = random.below(static_cast<std::uint32_t>(kCifar10Policy.size()));
  for (const PolicyStep& step : kCifar10Policy[choice]) {
    const bool happens = random.chance(step.probability);
    const bool negative = random.chance(0.5F);
    if (!happens) continue;
    const float magnitude = autoaugment_magnitude(step.op, step.bin, height, width);
    params.steps[static_cast<std::size_t>(params.count++)] = {
        step.op, negative && has_sign(step.op) ? -magnitude : magnitude};
  }
  return params;
}

void apply_autoaugment(std::span<std::uint8_t> rgb, int height, int width,
                       const AutoAugmentParams& params, U8Scratch& scratch) {
  for (int i = 0; i < params.count; ++i)
    apply_u8_step(rgb, height, width, params.steps[static_cast<std::size_t>(i)], scratch);
}

}  // namespace simclr
