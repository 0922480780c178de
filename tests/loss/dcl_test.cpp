#include "simclr/loss/dcl.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/loss/projections.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr double kF64Tolerance = 1e-10;  // a few hundred roundings of f64 at temperature 0.01
constexpr double kF32Tolerance = 4e-5;   // cosines are good to 2e-7; temperature 0.01 makes it 2e-5
constexpr double kDifferenceTolerance = 1e-7;  // of central differences

double loss_of(const at::Tensor& z, double temperature) {
  return dcl(z, temperature).to(at::kDouble).item<double>();
}

/// Equation 6 of the paper as it stands there, averaged over both views.
double oracle(const at::Tensor& z, double temperature) {
  const std::int64_t rows = z.size(0);
  double total = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t partner = (i + rows / 2) % rows;
    const double positive = cosine(z, i, partner) / temperature;
    double negatives = 0;
    for (std::int64_t k = 0; k < rows; ++k)
      if (k != i && k != partner) negatives += std::exp(cosine(z, i, k) / temperature - positive);
    total += rows > 2 ? std::log(negatives) : -positive;
  }
  return total / static_cast<double>(rows);
}

TEST(Dcl, EqualsTheLoopOracleForAnyBatch) {
  for (const std::int64_t images : {1, 2, 3, 7, 65})
    for (const double temperature : {0.05, 0.5, 10.0}) {
      const at::Tensor z = random_projections(2 * images, 16, 1);
      EXPECT_NEAR(loss_of(z, temperature), oracle(z, temperature), kF64Tolerance)
          << images << " images, temperature " << temperature;
    }
}

TEST(Dcl, IsLogOfNegativesWhenAllRowsAreEqual) {
  for (const std::int64_t images : {2, 32, 256})
    EXPECT_NEAR(loss_of(at::ones({2 * images, 8}, at::kFloat), 0.5),
                std::log(2.0 * static_cast<double>(images) - 2), kF32Tolerance);
}

TEST(Dcl, HasClosedFormForOrthogonalPairs) {
  const at::Tensor eye = at::eye(6, at::kDouble);
  for (const double temperature : {0.1, 0.5, 2.0})
    EXPECT_NEAR(loss_of(at::cat({eye, eye}), temperature), std::log(10.0) - 1.0 / temperature,
                kF64Tolerance);
}

TEST(Dcl, InManyBlocksEqualsTheWholeMatrix) {
  constexpr std::int64_t kImages = 1500;  // 3,000 rows go through in three blocks
  const at::Tensor z = random_projections(2 * kImages, 8, 3);
  const auto whole = [](const at::Tensor& x) {
    const at::Tensor unit = x.div(x.norm(2, at::IntArrayRef{1}, true));
    const at::Tensor scores = at::mm(unit, unit.t()).div(0.2);
    const at::Tensor own = at::eye(kImages, at::kBool).repeat({2, 2});
    const at::Tensor negatives = scores.masked_fill(own, -std::numeric_limits<double>::infinity());
    return at::logsumexp(negatives, 1).mean().sub(scores.diagonal(kImages).mean());
  };
  const auto ours = [](const at::Tensor& x) { return dcl(x, 0.2); };
  EXPECT_NEAR(ours(z).item<double>(), whole(z).item<double>(), kF64Tolerance);
  EXPECT_LT(largest_difference(gradient_of(ours, z), gradient_of(whole, z)), kF64Tolerance);
}

TEST(Dcl, GradientEqualsCentralDifferences) {
  for (const std::int64_t images : {1, 2, 3})
    for (const double temperature : {0.1, 0.5, 10.0}) {
      const auto loss = [&](const at::Tensor& z) { return dcl(z, temperature); };
      const at::Tensor z = random_projections(2 * images, 5, 4);
      EXPECT_LT(largest_difference(gradient_of(loss, z), difference_quotients(loss, z)),
                kDifferenceTolerance);
    }
}

TEST(Dcl, DoesNotChangeWhenViewsSwapImagesChangePlacesOrRowsAreScaled) {
  const at::Tensor z = random_projections(10, 6, 6);
  const double expected = loss_of(z, 0.2);
  EXPECT_NEAR(loss_of(z.roll(5, 0), 0.2), expected, kF64Tolerance);
  const at::Tensor order = at::tensor({3, 0, 4, 1, 2, 8, 5, 9, 6, 7}, at::kLong);
  EXPECT_NEAR(loss_of(z.index_select(0, order), 0.2), expected, kF64Tolerance);
  const at::Tensor scale = at::linspace(0.01, 100.0, 10, at::kDouble).view({10, 1});
  EXPECT_NEAR(loss_of(z * scale, 0.2), expected, kF64Tolerance);
}

TEST(Dcl, IsRightInF32AtExtremeTemperatures) {
  const at::Tensor z = random_projections(128, 32, 8);
  for (const double temperature : {0.01, 10.0}) {
    const auto loss = [&](const at::Tensor& x) { return dcl(x, temperature); };
    const at::Tensor gradient = gradient_of(loss, z);
    const at::Tensor gradient_f32 = gradient_of(loss, z.to(at::kFloat));
    EXPECT_NEAR(loss_of(z.to(at::kFloat), temperature), oracle(z, temperature), kF32Tolerance);
    EXPECT_TRUE(gradient_f32.isfinite().all().item<bool>());
    EXPECT_LT(largest_difference(gradient_f32, gradient),
              kF32Tolerance * gradient.abs().max().item<double>());
  }
}

TEST(Dcl, IsFiniteForARowOfZerosAndLeavesNonFiniteOnesVisible) {
  at::Tensor z = random_projections(6, 4, 9).to(at::kFloat);
  z[2].zero_();
  const auto loss = [](const at::Tensor& x) { return dcl(x, 0.5); };
  EXPECT_TRUE(gradient_of(loss, z).isfinite().all().item<bool>());
  z[1][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(loss_of(z, 0.5)));
}

TEST(Dcl, NamesWhatIsWrongWithItsArguments) {
  EXPECT_EQ(torch_error_of([] { dcl(at::ones({4}), 0.5); }),
            "[dcl] expected projections [2N, D], got 1 dimension(s)");
  for (const std::int64_t rows : {0, 3})
    EXPECT_EQ(torch_error_of([&] {
                dcl(at::ones({rows, 2}), 0.5);
              }),
              "[dcl] expected an even number of rows, two views of each image, got " +
                  std::to_string(rows));
  EXPECT_EQ(torch_error_of([] {
              dcl(at::ones({4, 2}), 0.0);
            }),
            "[dcl] expected a temperature above 0, got 0");
  EXPECT_EQ(torch_error_of([] {
              dcl(at::ones({4, 2}, at::kLong), 0.5);
            }),
            "[dcl] expected f32 or f64 projections, got Long");
}

}  // namespace
}  // namespace simclr
