#include "simclr/study/common_measure.h"

#include <gtest/gtest.h>

namespace simclr {
namespace {

TEST(MeasureAugment, IsTheBasesPipelineOnPixelsAsTheTrialsNetworkTakesThem) {
  AugmentSettings base;
  base.normalization = Normalization::kNone;
  AugmentSettings trial;
  trial.pipeline = {};
  trial.second_pipeline = Pipeline{};
  trial.normalization = Normalization::kCifar10;
  const AugmentSettings views = measure_augment(base, trial);
  EXPECT_EQ(views.pipeline.size(), base.pipeline.size());
  EXPECT_FALSE(views.second_pipeline.has_value());
  EXPECT_EQ(views.normalization, Normalization::kCifar10);
}

}  // namespace
}  // namespace simclr
