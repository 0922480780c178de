#include "simclr/loss/supcon.h"

#include <gtest/gtest.h>

#include <limits>

#include "simclr/loss/nt_xent.h"
#include "tests/loss/projections.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr double kF64Tolerance = 1e-10;  // a few hundred roundings of f64 at temperature 0.01
constexpr double kF32Tolerance = 4e-5;   // cosines are good to 2e-7; temperature 0.01 makes it 2e-5
constexpr double kDifferenceTolerance = 1e-7;  // of central differences

double loss_of(const at::Tensor& z, const at::Tensor& labels, double temperature) {
  return supcon(z, labels, temperature).to(at::kDouble).item<double>();
}

/// Three classes, one image of which has no other of its class where N is 1 mod 3.
at::Tensor some_labels(std::int64_t images) {
  return at::arange(images, at::kLong).mul(7).remainder(3);
}

/// Equation 2 of the paper as it stands there, averaged over anchors.
double oracle(const at::Tensor& z, const at::Tensor& labels, double temperature) {
  const std::int64_t rows = z.size(0);
  const auto label = [&](std::int64_t row) {
    return labels[row % (rows / 2)].item<std::int64_t>();
  };
  double total = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    double candidates = 0;
    for (std::int64_t k = 0; k < rows; ++k)
      if (k != i) candidates += std::exp(cosine(z, i, k) / temperature);
    double sum = 0;
    int positives = 0;
    for (std::int64_t p = 0; p < rows; ++p) {
      if (p == i || label(p) != label(i)) continue;
      sum += std::log(std::exp(cosine(z, i, p) / temperature) / candidates);
      ++positives;
    }
    total -= sum / positives;
  }
  return total / static_cast<double>(rows);
}

TEST(SupCon, EqualsTheLoopOracleForAnyBatch) {
  for (const std::int64_t images : {1, 2, 3, 7, 65})
    for (const double temperature : {0.05, 0.5, 10.0}) {
      const at::Tensor z = random_projections(2 * images, 16, 1);
      const at::Tensor labels = some_labels(images);
      EXPECT_NEAR(loss_of(z, labels, temperature), oracle(z, labels, temperature), kF64Tolerance)
          << images << " images, temperature " << temperature;
    }
}

TEST(SupCon, IsNtXentWhereEveryImageIsAClassOfItsOwn) {
  const at::Tensor z = random_projections(14, 8, 2);
  for (const double temperature : {0.05, 0.5, 10.0})
    EXPECT_NEAR(loss_of(z, at::arange(7, at::kLong), temperature),
                nt_xent(z, temperature).item<double>(), kF64Tolerance);
}

TEST(SupCon, IsLogOfOtherRowsWhenAllRowsAreEqual) {
  for (const std::int64_t images : {1, 2, 32, 256})
    EXPECT_NEAR(loss_of(at::ones({2 * images, 8}, at::kFloat), some_labels(images), 0.5),
                std::log(2.0 * static_cast<double>(images) - 1), kF32Tolerance);
}

TEST(SupCon, HasClosedFormForOrthogonalClasses) {
  const std::int64_t per_class = 4;
  const at::Tensor z = at::eye(3, at::kDouble).repeat({2 * per_class, 1});
  const at::Tensor labels = at::arange(3, at::kLong).repeat({per_class});
  for (const double temperature : {0.1, 0.5, 2.0})  // 7 positives, 16 negatives
    EXPECT_NEAR(loss_of(z, labels, temperature), std::log(7.0 + 16.0 * std::exp(-1 / temperature)),
                kF64Tolerance);
}

TEST(SupCon, InManyBlocksEqualsTheWholeMatrix) {
  constexpr std::int64_t kImages = 1500;  // 3,000 rows go through in three blocks
  const at::Tensor z = random_projections(2 * kImages, 8, 3);
  const at::Tensor labels = some_labels(kImages);
  const auto whole = [&](const at::Tensor& x) {
    const at::Tensor unit = x.div(x.norm(2, at::IntArrayRef{1}, true));
    const at::Tensor scores = at::mm(unit, unit.t()).div(0.2);
    const at::Tensor self = at::eye(2 * kImages, at::kBool);
    const at::Tensor classes = labels.repeat({2});
    const at::Tensor positives = classes.unsqueeze(0)
                                     .eq(classes.unsqueeze(1))
                                     .logical_and(self.logical_not())
                                     .to(at::kDouble);
    const at::Tensor candidates =
        scores.masked_fill(self, -std::numeric_limits<double>::infinity());
    return at::logsumexp(candidates, 1)
        .sub(scores.mul(positives).sum(1).div(positives.sum(1)))
        .mean();
  };
  const auto ours = [&](const at::Tensor& x) { return supcon(x, labels, 0.2); };
  EXPECT_NEAR(ours(z).item<double>(), whole(z).item<double>(), kF64Tolerance);
  EXPECT_LT(largest_difference(gradient_of(ours, z), gradient_of(whole, z)), kF64Tolerance);
}

TEST(SupCon, GradientEqualsCentralDifferences) {
  for (const std::int64_t images : {1, 2, 4})
    for (const double temperature : {0.1, 0.5, 10.0}) {
      const at::Tensor labels = some_labels(images);
      const auto loss = [&](const at::Tensor& z) { return supcon(z, labels, temperature); };
      const at::Tensor z = random_projections(2 * images, 5, 4);
      EXPECT_LT(largest_difference(gradient_of(loss, z), difference_quotients(loss, z)),
                kDifferenceTolerance);
    }
}

TEST(SupCon, DoesNotChangeWhenViewsSwapImagesChangePlacesOrClassesAreRenamed) {
  const at::Tensor z = random_projections(10, 6, 6);
  const at::Tensor labels = some_labels(5);
  const double expected = loss_of(z, labels, 0.2);
  EXPECT_NEAR(loss_of(z.roll(5, 0), labels, 0.2), expected, kF64Tolerance);
  const at::Tensor order = at::tensor({3, 0, 4, 1, 2}, at::kLong);
  const at::Tensor rows = at::cat({order, order + 5});
  EXPECT_NEAR(loss_of(z.index_select(0, rows), labels.index_select(0, order), 0.2), expected,
              kF64Tolerance);
  EXPECT_NEAR(loss_of(z, labels.mul(-5).add(2), 0.2), expected, kF64Tolerance);
  const at::Tensor scale = at::linspace(0.01, 100.0, 10, at::kDouble).view({10, 1});
  EXPECT_NEAR(loss_of(z * scale, labels, 0.2), expected, kF64Tolerance);
}

TEST(SupCon, IsRightInF32AtExtremeTemperatures) {
  const at::Tensor z = random_projections(128, 32, 8);
  const at::Tensor labels = some_labels(64);
  for (const double temperature : {0.01, 10.0}) {
    const auto loss = [&](const at::Tensor& x) { return supcon(x, labels, temperature); };
    const at::Tensor gradient = gradient_of(loss, z);
    const at::Tensor gradient_f32 = gradient_of(loss, z.to(at::kFloat));
    EXPECT_NEAR(loss_of(z.to(at::kFloat), labels, temperature), oracle(z, labels, temperature),
                kF32Tolerance);
    EXPECT_TRUE(gradient_f32.isfinite().all().item<bool>());
    EXPECT_LT(largest_difference(gradient_f32, gradient),
              kF32Tolerance * gradient.abs().max().item<double>());
  }
}

TEST(SupCon, IsFiniteForARowOfZerosAndLeavesNonFiniteOnesVisible) {
  at::Tensor z = random_projections(6, 4, 9).to(at::kFloat);
  z[2].zero_();
  const auto loss = [](const at::Tensor& x) { return supcon(x, some_labels(3), 0.5); };
  EXPECT_TRUE(gradient_of(loss, z).isfinite().all().item<bool>());
  z[1][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(loss_of(z, some_labels(3), 0.5)));
}

TEST(SupCon, NamesWhatIsWrongWithItsArguments) {
  const at::Tensor labels = some_labels(2);
  EXPECT_EQ(torch_error_of([&] { supcon(at::ones({4}), labels, 0.5); }),
            "[supcon] expected projections [2N, D], got 1 dimension(s)");
  EXPECT_EQ(torch_error_of([&] {
              supcon(at::ones({3, 2}), labels, 0.5);
            }),
            "[supcon] expected an even number of rows, two views of each image, got 3");
  EXPECT_EQ(torch_error_of([&] {
              supcon(at::ones({4, 2}), labels, -0.5);
            }),
            "[supcon] expected a temperature above 0, got -0.5");
  EXPECT_EQ(torch_error_of([&] {
              supcon(at::ones({6, 2}), labels, 0.5);
            }),
            "[supcon] expected one label for each of 3 images, got [2]");
  EXPECT_EQ(torch_error_of([&] {
              supcon(at::ones({4, 2}), labels.to(at::kFloat), 0.5);
            }),
            "[supcon] expected i64 labels, got Float");
}

}  // namespace
}  // namespace simclr
