#include <gtest/gtest.h>

#include "simclr/kernels/resize.h"

namespace simclr {
namespace {

void expect_made(const ResizeFilter& found, int in, int out, bool mirrored) {
  ResizeFilter expected;
  make_resize_filter(in, out, mirrored, expected);
  EXPECT_EQ(found.taps, expected.taps);
  EXPECT_EQ(found.stride, expected.stride);
  EXPECT_EQ(found.first, expected.first);
  EXPECT_EQ(found.weights, expected.weights);
}

TEST(ResizeFilters, AreThoseThatWouldBeMade) {
  ResizeFilters filters;
  for (int again = 0; again < 2; ++again)
    for (const int out : {1, 32, 224})
      for (const int in : {1, 65, 2, 66, 129, 31, 63, 64, 500})  // some share a place
        for (const bool mirrored : {false, true})
          expect_made(filters.get(in, out, mirrored), in, out, mirrored);
}

TEST(ResizeFilters, AreKept) {
  ResizeFilters filters;
  const float* weights = filters.get(20, 32, false).weights.data();
  filters.get(20, 32, true);
  filters.get(21, 32, false);
  EXPECT_EQ(filters.get(20, 32, false).weights.data(), weights);
}

}  // namespace
}  // namespace simclr
