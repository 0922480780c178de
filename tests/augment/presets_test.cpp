#include "simclr/augment/presets.h"

#include <gtest/gtest.h>

namespace simclr {
namespace {

TEST(Presets, CropFlipKeepsWhatMovesAndNothingElse) {
  AugmentSettings settings;
  settings.pipeline = parse_pipeline("[crop: {padding: 3}, flip: {p: 0.25}, jitter, blur, noise]");
  settings.second_pipeline = parse_pipeline("seed");
  settings.normalization = Normalization::kCifar10;
  const AugmentSettings result = crop_flip(settings);
  EXPECT_EQ(to_text(result.pipeline), "[crop: {padding: 3}, flip: {p: 0.25}]");
  EXPECT_FALSE(result.second_pipeline.has_value());
  EXPECT_EQ(result.normalization, Normalization::kCifar10);
}

TEST(Presets, CropFlipSaysWhatAPipelineLacks) {
  const auto note = [](const char* pipeline) {
    AugmentSettings settings;
    settings.pipeline = parse_pipeline(pipeline);
    return crop_flip_note(settings);
  };
  EXPECT_EQ(note("seed"), "");
  EXPECT_EQ(note("[flip, jitter]"), " (the run's pipeline has no crop)");
  EXPECT_EQ(note("[crop: {padding: 3}]"), " (the run's pipeline has no flip)");
  EXPECT_EQ(note("[jitter]"), " (the run's pipeline has no crop and no flip)");
}

TEST(Presets, NoNormalizationSubtractsNothingAndDividesByOne) {
  const ChannelStatistics statistics = channel_statistics(Normalization::kNone);
  EXPECT_EQ(statistics.mean, (std::array{0.0F, 0.0F, 0.0F}));
  EXPECT_EQ(statistics.deviation, (std::array{1.0F, 1.0F, 1.0F}));
}

}  // namespace
}  // namespace simclr
