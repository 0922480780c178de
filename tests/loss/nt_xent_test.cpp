#include "simclr/loss/nt_xent.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "simclr/core/random.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr double kF64Tolerance = 1e-10;  // a few hundred roundings of f64 at temperature 0.01
constexpr double kF32Tolerance = 4e-5;   // cosines are good to 2e-7; temperature 0.01 makes it 2e-5
constexpr double kDifferenceTolerance = 1e-7;  // of central differences with kDifferenceStep
constexpr double kDifferenceStep = 1e-5;

at::Tensor random_projections(std::int64_t rows, std::int64_t width, std::uint32_t sample) {
  Random random(RandomKey{.seed = 7, .sample = sample});
  at::Tensor z = at::empty({rows, width}, at::kDouble);
  for (std::int64_t i = 0; i < z.numel(); ++i) z.data_ptr<double>()[i] = random.normal();
  return z;
}

double loss_of(const at::Tensor& z, double temperature) {
  return nt_xent(z, temperature).to(at::kDouble).item<double>();
}

at::Tensor gradient_of(const at::Tensor& z, double temperature) {
  const at::Tensor leaf = z.detach().clone().requires_grad_();
  nt_xent(leaf, temperature).backward();
  return leaf.grad();
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

double cosine(const at::Tensor& z, std::int64_t i, std::int64_t j) {
  const auto rows = z.accessor<double, 2>();
  double dot = 0;
  double norm_i = 0;
  double norm_j = 0;
  for (std::int64_t d = 0; d < z.size(1); ++d) {
    dot += rows[i][d] * rows[j][d];
    norm_i += rows[i][d] * rows[i][d];
    norm_j += rows[j][d] * rows[j][d];
  }
  return dot / std::sqrt(norm_i * norm_j);
}

/// Equation 1 of the paper as it stands there, averaged over anchors first ... last - 1.
double oracle(const at::Tensor& z, double temperature, std::int64_t first, std::int64_t last) {
  const std::int64_t rows = z.size(0);
  double total = 0;
  for (std::int64_t i = first; i < last; ++i) {
    const double positive = cosine(z, i, (i + rows / 2) % rows) / temperature;
    double ratio = 0;
    for (std::int64_t k = 0; k < rows; ++k)
      if (k != i) ratio += std::exp(cosine(z, i, k) / temperature - positive);
    total += std::log(ratio);
  }
  return total / static_cast<double>(last - first);
}

double oracle(const at::Tensor& z, double temperature) {
  return oracle(z, temperature, 0, z.size(0));
}

TEST(NtXent, EqualsTheLoopOracleForAnyBatch) {
  for (const std::int64_t images : {1, 2, 3, 7, 32, 65})
    for (const double temperature : {0.05, 0.5, 10.0}) {
      const at::Tensor z = random_projections(2 * images, 16, 1);
      EXPECT_NEAR(loss_of(z, temperature), oracle(z, temperature), kF64Tolerance)
          << images << " images, temperature " << temperature;
    }
}

TEST(NtXent, EqualsPyTorch) {
  std::ifstream file(SIMCLR_GOLDEN_DIR "/nt_xent.json");
  const nlohmann::json cases = nlohmann::json::parse(file);
  ASSERT_EQ(cases.size(), 12U);
  for (const auto& golden : cases) {
    const auto rows = golden["z"].get<std::vector<std::vector<double>>>();
    const auto slopes = golden["gradient"].get<std::vector<std::vector<double>>>();
    const auto width = static_cast<std::int64_t>(rows.front().size());
    at::Tensor z = at::empty({static_cast<std::int64_t>(rows.size()), width}, at::kDouble);
    at::Tensor gradient = at::empty_like(z);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      z[static_cast<std::int64_t>(i)].copy_(at::tensor(rows[i], at::kDouble));
      gradient[static_cast<std::int64_t>(i)].copy_(at::tensor(slopes[i], at::kDouble));
    }
    const double temperature = golden["temperature"];
    EXPECT_NEAR(loss_of(z, temperature), golden["loss"].get<double>(), kF64Tolerance);
    EXPECT_LT(largest_difference(gradient_of(z, temperature), gradient), kF64Tolerance);
    EXPECT_NEAR(loss_of(z.to(at::kFloat), temperature), golden["loss"].get<double>(),
                kF32Tolerance);
  }
}

TEST(NtXent, IsLogOfOtherRowsWhenAllRowsAreEqual) {
  for (const std::int64_t images : {1, 2, 32, 256}) {
    const at::Tensor z = at::ones({2 * images, 8}, at::kFloat);
    EXPECT_NEAR(loss_of(z, 0.5), std::log(2.0 * static_cast<double>(images) - 1), kF32Tolerance);
  }
}

TEST(NtXent, HasClosedFormForOrthogonalPairs) {
  const std::int64_t images = 6;
  const at::Tensor eye = at::eye(images, at::kDouble);
  for (const double temperature : {0.1, 0.5, 2.0}) {
    const double negatives = 2.0 * static_cast<double>(images) - 2.0;
    EXPECT_NEAR(loss_of(at::cat({eye, eye}), temperature),
                std::log(1.0 + negatives * std::exp(-1.0 / temperature)), kF64Tolerance);
  }
}

TEST(NtXent, IsZeroForOneImage) {
  const at::Tensor z = random_projections(2, 4, 2).to(at::kFloat);
  EXPECT_EQ(loss_of(z, 0.01), 0.0);
  EXPECT_EQ(gradient_of(z, 0.01).abs().max().item<float>(), 0.0F);
}

TEST(NtXent, InBlocksEqualsTheWholeMatrix) {
  constexpr std::int64_t kRows = 4098;  // f64 similarities of all rows would be three blocks
  const at::Tensor z = random_projections(kRows, 8, 3);
  const at::Tensor leaf = z.clone().requires_grad_();
  const at::Tensor unit = at::div(leaf, leaf.norm(2, 1, true));
  const at::Tensor self = at::eye(kRows, at::kDouble).to(at::kBool);
  const at::Tensor scores =
      unit.matmul(unit.t()).div(0.3).masked_fill(self, -std::numeric_limits<double>::infinity());
  const at::Tensor partner = at::arange(kRows).add(kRows / 2).remainder(kRows);
  const at::Tensor expected = at::cross_entropy_loss(scores, partner);
  expected.backward();
  EXPECT_NEAR(loss_of(z, 0.3), expected.item<double>(), kF64Tolerance);
  EXPECT_LE(largest_difference(gradient_of(z, 0.3), leaf.grad()), kF64Tolerance);
  const at::Tensor nearest = scores.argmax(1).eq(partner).to(at::kDouble).mean();
  EXPECT_EQ(contrastive_accuracy(z), nearest.item<double>());
}

TEST(NtXent, KeepsSelfSimilarityOutOfTheDenominator) {
  // Opposite views of one image: with itself among the candidates the loss would be 2 / tau more.
  const at::Tensor z = at::tensor({1.0, 0.0, -1.0, 0.0}, at::kDouble).view({2, 2});
  EXPECT_EQ(loss_of(z, 0.1), 0.0);
}

TEST(NtXent, AveragesTheTwoDirections) {
  const at::Tensor z = random_projections(10, 4, 3);
  const double there = oracle(z, 0.5, 0, 5);
  const double back = oracle(z, 0.5, 5, 10);
  EXPECT_NEAR(loss_of(z, 0.5), (there + back) / 2, kF64Tolerance);
}

TEST(NtXent, GradientEqualsCentralDifferences) {
  for (const double temperature : {0.1, 0.5, 10.0}) {
    const at::Tensor z = random_projections(6, 5, 4);
    const at::Tensor gradient = gradient_of(z, temperature);
    for (std::int64_t i = 0; i < z.numel(); ++i) {
      at::Tensor moved = z.clone();
      double& entry = moved.data_ptr<double>()[i];
      entry += kDifferenceStep;
      const double above = loss_of(moved, temperature);
      entry -= 2 * kDifferenceStep;
      const double below = loss_of(moved, temperature);
      EXPECT_NEAR(gradient.data_ptr<double>()[i], (above - below) / (2 * kDifferenceStep),
                  kDifferenceTolerance);
    }
  }
}

TEST(NtXent, PushesNegativesWithNegativeCosine) {
  // Rows 0 and 1 are negatives at cosine -0.6; row 2 and 3 their partners.
  const at::Tensor z =
      at::tensor({1.0, 0.0, -0.6, 0.8, 0.9, 0.1, -0.5, 0.7}, at::kDouble).view({4, 2});
  const at::Tensor gradient = gradient_of(z, 0.5);
  at::Tensor moved = z.clone();
  moved[1][0] += kDifferenceStep;
  at::Tensor other = z.clone();
  other[1][0] -= kDifferenceStep;
  ASSERT_LT(cosine(z, 0, 1), 0);
  EXPECT_GT(std::abs(gradient[1][0].item<double>()), 0.01);
  EXPECT_NEAR(gradient[1][0].item<double>(),
              (oracle(moved, 0.5) - oracle(other, 0.5)) / (2 * kDifferenceStep),
              kDifferenceTolerance);
}

TEST(NtXent, DoesNotChangeWhenViewsSwap) {
  const at::Tensor z = random_projections(14, 6, 5);
  const at::Tensor swapped = at::cat({z.slice(0, 7), z.slice(0, 0, 7)});
  EXPECT_NEAR(loss_of(z, 0.2), loss_of(swapped, 0.2), kF64Tolerance);
}

TEST(NtXent, DoesNotChangeWhenImagesChangePlaces) {
  const at::Tensor z = random_projections(10, 6, 6);
  const at::Tensor order = at::tensor({3, 0, 4, 1, 2, 8, 5, 9, 6, 7}, at::kLong);
  EXPECT_NEAR(loss_of(z, 0.2), loss_of(z.index_select(0, order), 0.2), kF64Tolerance);
}

TEST(NtXent, DoesNotChangeWhenRowsAreScaled) {
  const at::Tensor z = random_projections(10, 6, 7);
  const at::Tensor scale = at::linspace(0.01, 100.0, 10, at::kDouble).view({10, 1});
  EXPECT_NEAR(loss_of(z, 0.2), loss_of(z * scale, 0.2), kF64Tolerance);
}

TEST(NtXent, IsRightInF32AtExtremeTemperatures) {
  const at::Tensor z = random_projections(128, 32, 8);
  for (const double temperature : {0.01, 10.0}) {
    const at::Tensor gradient = gradient_of(z, temperature);
    const at::Tensor gradient_f32 = gradient_of(z.to(at::kFloat), temperature);
    EXPECT_NEAR(loss_of(z.to(at::kFloat), temperature), oracle(z, temperature), kF32Tolerance);
    EXPECT_TRUE(gradient_f32.isfinite().all().item<bool>());
    EXPECT_LT(largest_difference(gradient_f32, gradient),
              kF32Tolerance * gradient.abs().max().item<double>());
  }
}

TEST(NtXent, IsFiniteForARowOfZeros) {
  at::Tensor z = random_projections(6, 4, 9).to(at::kFloat);
  z[2].zero_();
  EXPECT_TRUE(std::isfinite(loss_of(z, 0.5)));
  EXPECT_TRUE(gradient_of(z, 0.5).isfinite().all().item<bool>());
}

TEST(NtXent, LeavesNonFiniteProjectionsVisible) {
  at::Tensor z = random_projections(6, 4, 10).to(at::kFloat);
  z[1][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(loss_of(z, 0.5)));
}

TEST(NtXent, NamesWhatIsWrongWithItsArguments) {
  EXPECT_EQ(torch_error_of([] { nt_xent(at::ones({4}), 0.5); }),
            "[nt_xent] expected projections [2N, D], got 1 dimension(s)");
  EXPECT_EQ(torch_error_of([] {
              nt_xent(at::ones({3, 2}), 0.5);
            }),
            "[nt_xent] expected an even number of rows, two views of each image, got 3");
  EXPECT_EQ(torch_error_of([] {
              nt_xent(at::ones({0, 2}), 0.5);
            }),
            "[nt_xent] expected an even number of rows, two views of each image, got 0");
  EXPECT_EQ(torch_error_of([] {
              nt_xent(at::ones({4, 2}), 0.0);
            }),
            "[nt_xent] expected a temperature above 0, got 0");
  EXPECT_EQ(torch_error_of([] {
              nt_xent(at::ones({4, 2}), -0.5);
            }),
            "[nt_xent] expected a temperature above 0, got -0.5");
  EXPECT_EQ(torch_error_of([] {
              nt_xent(at::ones({4, 2}, at::kLong), 0.5);
            }),
            "[nt_xent] expected f32 or f64 projections, got Long");
}

TEST(ContrastiveAccuracy, EqualsTheLoopOracle) {
  for (const std::int64_t images : {1, 2, 5, 33}) {
    const at::Tensor noise = random_projections(2 * images, 8, 11);
    const at::Tensor z = noise + random_projections(images, 8, 12).repeat({2, 1});
    const std::int64_t rows = z.size(0);
    int right = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      std::int64_t best = i == 0 ? 1 : 0;
      for (std::int64_t k = 0; k < rows; ++k)
        if (k != i && cosine(z, i, k) > cosine(z, i, best)) best = k;
      right += best == (i + images) % rows ? 1 : 0;
    }
    EXPECT_DOUBLE_EQ(contrastive_accuracy(z), right / static_cast<double>(rows));
  }
}

TEST(ContrastiveAccuracy, IsOneForSeparatePairsAndZeroForCrossedOnes) {
  const at::Tensor eye = at::eye(4, at::kFloat);
  EXPECT_EQ(contrastive_accuracy(at::cat({eye, eye})), 1.0);
  EXPECT_EQ(contrastive_accuracy(at::cat({eye, eye.roll(1, 0)})), 0.0);
}

TEST(ContrastiveAccuracy, IsZeroWhereAllProjectionsAreOne) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    EXPECT_EQ(contrastive_accuracy(at::ones({40, 5}, type)), 0.0);
    EXPECT_EQ(contrastive_accuracy(at::zeros({40, 5}, type)), 0.0);
  }
}

TEST(ContrastiveAccuracy, TakesNoPartInAGradient) {
  const at::Tensor z = random_projections(4, 3, 13).requires_grad_();
  contrastive_accuracy(z);
  EXPECT_FALSE(z.grad().defined());
}

TEST(ContrastiveAccuracy, NamesWhatIsWrongWithItsArgument) {
  EXPECT_EQ(torch_error_of([] { contrastive_accuracy(at::ones({4})); }),
            "[contrastive_accuracy] expected projections [2N, D], got 1 dimension(s)");
  EXPECT_EQ(
      torch_error_of([] {
        contrastive_accuracy(at::ones({5, 2}));
      }),
      "[contrastive_accuracy] expected an even number of rows, two views of each image, got 5");
}

}  // namespace
}  // namespace simclr
