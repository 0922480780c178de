#include "simclr/data/shapes10.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "simclr/core/sha256.h"

namespace simclr {
namespace {

constexpr std::size_t kClasses = 10;
constexpr std::size_t kPixelBytes = 32 * 32 * 3;
constexpr std::uint32_t kFirstTest = 1U << 31;

std::vector<std::uint8_t> bytes_of(const Image& image) {
  return {image.pixels.begin(), image.pixels.end()};
}

/// Means of `features` numbers per image, by class, and how they spread within the classes.
template <std::size_t features>
struct ClassMeans {
  std::array<std::vector<double>, kClasses> mean;
  std::vector<double> deviation = std::vector<double>(features, 0.0);
};

std::vector<double> pixels_of(const Image& image) {
  return {image.pixels.begin(), image.pixels.end()};
}

std::vector<double> mean_color_of(const Image& image) {
  std::vector<double> color(3, 0.0);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) color[i % 3] += image.pixels[i] / 1024.0;
  return color;
}

template <std::size_t features, class Extract>
ClassMeans<features> class_means(const Dataset& images, Extract extract) {
  ClassMeans<features> result;
  std::vector<double> squares(features, 0.0);
  const double per_class = static_cast<double>(images.size() / kClasses);
  for (auto& mean : result.mean) mean.assign(features, 0.0);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::vector<double> values = extract(images.get(i));
    auto& mean = result.mean[static_cast<std::size_t>(images.get(i).label)];
    for (std::size_t f = 0; f < features; ++f) {
      mean[f] += values[f] / per_class;
      squares[f] += values[f] * values[f] / static_cast<double>(images.size());
    }
  }
  for (std::size_t f = 0; f < features; ++f) {
    double between = 0.0;
    for (const auto& mean : result.mean) between += mean[f] * mean[f] / kClasses;
    result.deviation[f] = std::sqrt(squares[f] - between);
  }
  return result;
}

/// Share of images whose values are nearest to the mean of their own class.
template <std::size_t features, class Extract>
double nearest_mean_accuracy(const Dataset& train, const Dataset& test, Extract extract) {
  const auto means = class_means<features>(train, extract).mean;
  std::size_t right = 0;
  for (std::size_t i = 0; i < test.size(); ++i) {
    const std::vector<double> values = extract(test.get(i));
    std::size_t best = 0;
    double best_distance = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < kClasses; ++c) {
      double distance = 0.0;
      for (std::size_t f = 0; f < features; ++f) {
        distance += (values[f] - means[c][f]) * (values[f] - means[c][f]);
      }
      if (distance < best_distance) {
        best_distance = distance;
        best = c;
      }
    }
    right += best == static_cast<std::size_t>(test.get(i).label) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(test.size());
}

TEST(Shapes10, HasTenNamedClasses) {
  const auto& names = shapes10_class_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), kClasses);
}

TEST(Shapes10, LabelsGoRoundSoThatClassesAreBalanced) {
  const auto images = make_shapes10(0, 0, 25);
  ASSERT_EQ(images->size(), 25U);
  for (std::size_t i = 0; i < images->size(); ++i) {
    EXPECT_EQ(images->get(i).label, static_cast<std::int32_t>(i % kClasses));
    EXPECT_EQ(images->get(i).height, 32);
    EXPECT_EQ(images->get(i).width, 32);
  }
}

TEST(Shapes10, ImageIsAFunctionOfSeedIndexAndLabel) {
  const auto images = make_shapes10(3, 100, 12);
  for (const std::size_t i : {11U, 0U, 5U}) {
    const auto index = 100 + static_cast<std::uint32_t>(i);
    EXPECT_EQ(bytes_of(images->get(i)), draw_shape(3, index, images->get(i).label));
  }
  EXPECT_NE(draw_shape(3, 100, 0), draw_shape(4, 100, 0));
  EXPECT_NE(draw_shape(3, 100, 0), draw_shape(3, 101, 0));
}

TEST(Shapes10, EveryClassShowsInEveryImage) {
  constexpr int kFewestPixels = 10;  // that tell one class from another in the same scene
  for (std::uint32_t index = 0; index < 50; ++index) {
    std::vector<std::vector<std::uint8_t>> images;
    for (std::int32_t label = 0; label < 10; ++label) images.push_back(draw_shape(0, index, label));
    for (std::size_t a = 0; a < kClasses; ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        int differing = 0;
        for (std::size_t i = 0; i < kPixelBytes; i += 3) differing += images[a][i] != images[b][i];
        EXPECT_GT(differing, kFewestPixels) << index << ": " << a << " and " << b;
      }
    }
  }
}

// Golden: the world is the same for everybody and never changes unnoticed.
TEST(Shapes10, WorldIsTheOneItAlwaysWas) {
  Sha256 sha;
  for (const std::uint32_t first : {0U, kFirstTest}) {
    const auto images = make_shapes10(0, first, 100);
    for (std::size_t i = 0; i < images->size(); ++i) {
      sha.update(images->get(i).pixels.data(), kPixelBytes);
    }
  }
  EXPECT_EQ(sha.hex_digest(), "9782548603d60d56dc962dfe4a0cfe299190725055a1138110267f7e8fba442a");
}

TEST(Shapes10, MeanColorSaysNothingOfTheClass) {
  constexpr double kFourErrors = 4.0;  // of 30 means; the images are fixed, so this cannot waver
  const auto images = make_shapes10(0, 0, 5000);
  const auto means = class_means<3>(*images, mean_color_of);
  for (std::size_t f = 0; f < 3; ++f) {
    double grand_mean = 0.0;
    for (const auto& mean : means.mean) grand_mean += mean[f] / kClasses;
    const double error = means.deviation[f] / std::sqrt(500.0);
    for (const auto& mean : means.mean) EXPECT_NEAR(mean[f], grand_mean, kFourErrors * error);
  }
  const double accuracy =
      nearest_mean_accuracy<3>(*images, *make_shapes10(0, kFirstTest, 2500), mean_color_of);
  EXPECT_LT(accuracy, 0.124);  // chance, and four standard errors of 2,500 images
}

TEST(Shapes10, PixelsAloneSayLittleOfTheClass) {
  const double accuracy = nearest_mean_accuracy<kPixelBytes>(
      *make_shapes10(0, 0, 4000), *make_shapes10(0, kFirstTest, 1000), pixels_of);
  EXPECT_LT(accuracy, 0.4);
}

}  // namespace
}  // namespace simclr
