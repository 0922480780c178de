#include "simclr/engine/conv_layer.h"

#include <gtest/gtest.h>

namespace simclr {
namespace {

TEST(ConvLayer, CountsTheProductsThatTouchAPixel) {
  // One pixel: the middle tap alone meets it.
  EXPECT_EQ(ConvLayer({16, 32, 3, 1, 1, 1, 5}, ConvAlgorithm::kDirect).useful_operations(),
            2.0 * 5 * 16 * 32);
  // Along a side of 4, taps meet 4 * 3 - 2 pixels; with stride 2, five.
  EXPECT_EQ(ConvLayer({16, 16, 3, 1, 4, 4, 3}, ConvAlgorithm::kDirect).useful_operations(),
            2.0 * 10 * 10 * 3 * 16 * 16);
  EXPECT_EQ(ConvLayer({16, 16, 3, 2, 4, 4, 3}, ConvAlgorithm::kDirect).useful_operations(),
            2.0 * 5 * 5 * 3 * 16 * 16);
  EXPECT_EQ(ConvLayer({16, 16, 1, 2, 5, 4, 3}, ConvAlgorithm::kDirect).useful_operations(),
            2.0 * 3 * 2 * 3 * 16 * 16);
}

TEST(ConvLayer, CountsWhatItsAlgorithmCarriesOut) {
  const ConvShape shape{16, 32, 3, 1, 8, 8, 3};
  const double useful = 2.0 * 22 * 22 * 3 * 16 * 32;
  for (const ConvAlgorithm algorithm :
       {ConvAlgorithm::kDirect, ConvAlgorithm::kF2, ConvAlgorithm::kF4})
    EXPECT_EQ(ConvLayer(shape, algorithm).useful_operations(), useful);
  EXPECT_EQ(ConvLayer(shape, ConvAlgorithm::kDirect).executed_operations(), useful);
  EXPECT_EQ(ConvLayer(shape, ConvAlgorithm::kF2).executed_operations(),
            2.0 * 16 * 16 * 3 * 16 * 32);  // 16 tiles of 16 frequencies
  EXPECT_EQ(ConvLayer(shape, ConvAlgorithm::kF4).executed_operations(), 2.0 * 4 * 36 * 3 * 16 * 32);
  EXPECT_EQ(ConvLayer({16, 32, 3, 1, 2, 2, 7}, ConvAlgorithm::kMap2).executed_operations(),
            2.0 * 9 * 7 * 16 * 32);
  EXPECT_EQ(ConvLayer({16, 32, 3, 2, 16, 16, 3}, ConvAlgorithm::kF4Stride2).executed_operations(),
            2.0 * 4 * 81 * 3 * 16 * 32);
}

TEST(ConvLayer, WeightsArePackedAlikeForAnyBatch) {
  for (const ConvAlgorithm algorithm :
       {ConvAlgorithm::kDirect, ConvAlgorithm::kF2, ConvAlgorithm::kF4})
    EXPECT_EQ(ConvLayer({16, 32, 3, 1, 8, 8, 1}, algorithm).packed_size(),
              ConvLayer({16, 32, 3, 1, 8, 8, 70}, algorithm).packed_size());
}

}  // namespace
}  // namespace simclr
