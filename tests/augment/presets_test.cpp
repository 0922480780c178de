#include "simclr/augment/presets.h"

#include <gtest/gtest.h>

namespace simclr {
namespace {

TEST(Presets, CropFlipTurnsOffJitterAndGreyscaleOnly) {
  AugmentSettings settings;
  settings.crop_scale_min = 0.5;
  settings.flip = 0.25;
  settings.normalization = Normalization::kCifar10;
  const AugmentSettings result = crop_flip(settings);
  EXPECT_EQ(result.jitter, 0.0);
  EXPECT_EQ(result.greyscale, 0.0);
  EXPECT_EQ(result.crop_scale_min, 0.5);
  EXPECT_EQ(result.flip, 0.25);
  EXPECT_EQ(result.normalization, Normalization::kCifar10);
}

TEST(Presets, NoNormalizationSubtractsNothingAndDividesByOne) {
  const ChannelStatistics statistics = channel_statistics(Normalization::kNone);
  EXPECT_EQ(statistics.mean, (std::array{0.0F, 0.0F, 0.0F}));
  EXPECT_EQ(statistics.deviation, (std::array{1.0F, 1.0F, 1.0F}));
}

}  // namespace
}  // namespace simclr
