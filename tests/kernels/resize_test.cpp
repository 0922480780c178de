#include "simclr/kernels/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "tests/augment/golden.h"
#include "tests/kernels/planes.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

constexpr float kRounding = 2e-6F;  // up to some dozens of products of f32, added up twice

struct Box {
  int top;
  int left;
  int height;
  int width;
};

PixelBox box_of(const std::vector<std::uint8_t>& pixels, int image_width, const Box& box) {
  const auto row_bytes = static_cast<std::size_t>(image_width) * 3;
  const auto corner =
      static_cast<std::size_t>(box.top) * row_bytes + static_cast<std::size_t>(box.left) * 3;
  return {pixels.data() + corner, box.height, box.width, row_bytes};
}

/// f32 [side * side, 3]
std::vector<float> resized(const PixelBox& box, int side, bool mirrored = false) {
  ResizeFilter columns;
  ResizeFilter rows;
  make_resize_filter(box.width, side, mirrored, columns);
  make_resize_filter(box.height, side, false, rows);
  ResizeScratch scratch;
  PlanesOf out(static_cast<std::size_t>(side * side));
  resize_to_planes(box, columns, rows, side, scratch, out.planes());
  return out.rgb();
}

/// Weight of one input in one output by the definition: a triangle around where the output's middle
/// falls, as wide as the outputs are apart, and at least as the inputs are.
double triangle(int input, int output, int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const double distance = std::abs(input + 0.5 - scale * (output + 0.5));
  return std::max(0.0, 1.0 - distance / std::max(scale, 1.0));
}

std::vector<double> weights_of(int output, int in, int out) {
  std::vector<double> weights;
  double total = 0.0;
  for (int i = 0; i < in; ++i) total += weights.emplace_back(triangle(i, output, in, out));
  for (double& weight : weights) weight /= total;
  return weights;
}

std::vector<float> resize_oracle(const PixelBox& box, int side) {
  std::vector<float> result;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const auto rows = weights_of(y, box.height, side);
      const auto columns = weights_of(x, box.width, side);
      std::array<double, 3> sums{};
      for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::size_t j = 0; j < columns.size(); ++j)
          for (std::size_t c = 0; c < 3; ++c)
            sums.at(c) += rows[i] * columns[j] * box.pixels[i * box.row_bytes + 3 * j + c] / 255.0;
      for (const double sum : sums) result.push_back(static_cast<float>(sum));
    }
  return result;
}

TEST(ResizeGolden, AgreesWithTorchvision) {
  const AugmentGolden golden;
  const auto image = golden.values<std::uint8_t>("resize/image");
  const auto width = static_cast<int>(golden.size("resize/image", 1));
  const auto boxes = golden.values<std::int64_t>("resize/boxes");
  const auto sides = golden.values<std::int64_t>("resize/sides");
  const auto expected = golden.values<float>("resize/expected");
  const auto part = [&](std::size_t i) { return static_cast<int>(boxes[i]); };
  float largest = 0.0F;
  std::size_t at = 0;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const Box box{part(4 * i), part(4 * i + 1), part(4 * i + 2), part(4 * i + 3)};
    const auto result = resized(box_of(image, width, box), static_cast<int>(sides[i]));
    const float difference =
        largest_difference(result, std::span(expected).subspan(at, result.size()));
    EXPECT_LE(difference, kGoldenTolerance)
        << box.height << " x " << box.width << " to " << sides[i];
    largest = std::max(largest, difference);
    at += result.size();
  }
  EXPECT_EQ(at, expected.size());
  EXPECT_GE(sides.size(), 16U);
  record_difference(largest);
}

TEST(Resize, EqualsTheDefinitionForManySizes) {
  constexpr int kWidth = 41;
  const auto pixels = random_bytes(37, kWidth);
  for (const int height : {1, 2, 3, 5, 16, 37})
    for (const int width : {1, 2, 4, 15, 41})
      for (const int side : {1, 2, 3, 8, 15, 16, 17, 33}) {
        const PixelBox box = box_of(pixels, kWidth, {37 - height, kWidth - width, height, width});
        EXPECT_LE(largest_difference(resized(box, side), resize_oracle(box, side)), kRounding)
            << height << " x " << width << " to " << side;
      }
}

TEST(Resize, WeightsAreInsideTheInputAndAddUpToOne) {
  ResizeFilter filter;  // one for all: what a longer one leaves behind must not show
  for (const int in : {1, 2, 3, 7, 16, 31, 32, 33, 40, 224, 500, 1})
    for (const int out : {1, 2, 3, 9, 16, 17, 32, 40, 224}) {
      make_resize_filter(in, out, false, filter);
      for (std::size_t i = 0; i < filter.stride; ++i) {
        ASSERT_GE(filter.first[i], 0);
        ASSERT_LE(filter.first[i] + filter.taps, in) << in << " to " << out;
        double total = 0.0;
        for (std::size_t k = 0; k < static_cast<std::size_t>(filter.taps); ++k) {
          const float weight = filter.weights[k * filter.stride + i];
          ASSERT_GE(weight, 0.0F);
          total += static_cast<double>(weight);
        }
        ASSERT_NEAR(total, i < static_cast<std::size_t>(out) ? 1.0 : 0.0, 1e-6);
      }
    }
}

TEST(Resize, OneValueInAllPlacesStays) {
  for (const std::uint8_t level : {0, 1, 128, 255}) {
    const std::vector<std::uint8_t> pixels(20 * 30 * 3, level);
    for (const int side : {1, 7, 20, 64})
      for (const float value : resized({pixels.data(), 20, 30, 90}, side))
        ASSERT_NEAR(value, static_cast<float>(level) / 255.0F, kRounding);
  }
}

TEST(Resize, TheSameSizeChangesNoBit) {
  for (const int side : {1, 2, 15, 16, 40}) {
    const auto pixels = random_bytes(side, side);
    const auto row_bytes = static_cast<std::size_t>(side) * 3;
    const auto result = resized({pixels.data(), side, side, row_bytes}, side);
    for (std::size_t i = 0; i < pixels.size(); ++i)
      ASSERT_EQ(result[i], static_cast<float>(pixels[i]) / 255.0F);
  }
}

TEST(Resize, HalvingAveragesWithTheTrianglesWeights) {
  // Outputs are 2 inputs apart, so those at distances 0.5 and 1.5 of 2 weigh 3 and 1: of four
  // inputs 0 0 0 255 the right one of two outputs has 1/7 x 0 + 3/7 x 0 + 3/7 x 255.
  const std::vector<std::uint8_t> row{0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255};
  const auto result = resized({row.data(), 1, 4, 12}, 2);
  EXPECT_NEAR(result[0], 0.0F, kRounding);
  EXPECT_NEAR(result[3], 3.0F / 7.0F, kRounding);
}

TEST(Resize, MirroredIsMirrored) {
  const auto pixels = random_bytes(9, 23);
  for (const int side : {1, 8, 16, 40}) {
    const PixelBox box = box_of(pixels, 23, {1, 2, 8, 20});
    const auto plain = resized(box, side);
    const auto mirrored = resized(box, side, true);
    const auto width = static_cast<std::size_t>(side);
    for (std::size_t y = 0; y < width; ++y)
      for (std::size_t x = 0; x < width; ++x)
        for (std::size_t c = 0; c < 3; ++c)
          ASSERT_EQ(mirrored[(y * width + x) * 3 + c], plain[(y * width + width - 1 - x) * 3 + c]);
  }
}

TEST(Resize, ReadsNoByteBehindTheBox) {
  // The last pixel of the box is the last byte of the memory: under AddressSanitizer one byte more
  // is an error.
  for (int height = 1; height <= 6; ++height)
    for (int width = 1; width <= 40; ++width) {
      const std::vector<std::uint8_t> whole = random_bytes(height, width);
      const auto exact = std::make_unique<std::uint8_t[]>(whole.size());
      std::copy(whole.begin(), whole.end(), exact.get());
      const auto row_bytes = static_cast<std::size_t>(width) * 3;
      const PixelBox box{exact.get(), height, width, row_bytes};
      for (const int side : {1, 5, 32})
        ASSERT_LE(largest_difference(resized(box, side), resize_oracle(box, side)), kRounding);
    }
}

TEST(Resize, SameBitsOnEveryInstructionSet) {
  const auto pixels = random_bytes(61, 90);
  for (const Box& box : {Box{0, 0, 61, 90}, Box{3, 1, 9, 5}, Box{60, 89, 1, 1}})
    for (const int side : {1, 7, 32, 45})
      expect_same_on_every_target([&] { return resized(box_of(pixels, 90, box), side); });
}

}  // namespace
}  // namespace simclr
