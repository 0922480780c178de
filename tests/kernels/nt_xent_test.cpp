#include "simclr/kernels/nt_xent.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/kernels/maps.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

/// f32 scores of up to 1 / temperature, and their exponentials.
constexpr double kRounding = 2e-6;

Values unit_rows(std::int64_t rows, std::int64_t width) {
  Values z = random_floats(rows * width, 1);
  for (std::int64_t r = 0; r < rows; ++r) {
    double square = 0.0;
    for (std::int64_t i = 0; i < width; ++i) {
      const auto v = static_cast<double>(z[static_cast<std::size_t>(r * width + i)]);
      square += v * v;
    }
    for (std::int64_t i = 0; i < width; ++i)
      z[static_cast<std::size_t>(r * width + i)] /= static_cast<float>(std::sqrt(square));
  }
  return z;
}

/// Cosine / temperature of every pair, in f64.
std::vector<double> scores_of(const std::vector<double>& z, std::int64_t rows, std::int64_t width,
                              double temperature) {
  std::vector<double> scores(static_cast<std::size_t>(rows * rows));
  for (std::int64_t a = 0; a < rows; ++a)
    for (std::int64_t b = 0; b < rows; ++b)
      for (std::int64_t i = 0; i < width; ++i)
        scores[static_cast<std::size_t>(a * rows + b)] +=
            z[static_cast<std::size_t>(a * width + i)] *
            z[static_cast<std::size_t>(b * width + i)] / temperature;
  return scores;
}

/// log sum exp over all other rows, each row.
std::vector<double> log_sums_of(const std::vector<double>& scores, std::int64_t rows) {
  std::vector<double> sums;
  for (std::int64_t a = 0; a < rows; ++a) {
    double largest = -1e300, sum = 0.0;
    for (std::int64_t b = 0; b < rows; ++b)
      if (a != b) largest = std::max(largest, scores[static_cast<std::size_t>(a * rows + b)]);
    for (std::int64_t b = 0; b < rows; ++b)
      if (a != b) sum += std::exp(scores[static_cast<std::size_t>(a * rows + b)] - largest);
    sums.push_back(largest + std::log(sum));
  }
  return sums;
}

double loss_of(const std::vector<double>& z, std::int64_t rows, std::int64_t width,
               double temperature) {
  const std::vector<double> scores = scores_of(z, rows, width, temperature);
  const std::vector<double> sums = log_sums_of(scores, rows);
  double loss = 0.0;
  for (std::int64_t a = 0; a < rows; ++a)
    loss += sums[static_cast<std::size_t>(a)] -
            scores[static_cast<std::size_t>(a * rows + (a + rows / 2) % rows)];
  return loss;
}

NtXentRows rows_of(const Values& z, std::int64_t rows, std::int64_t width, double temperature) {
  return {z.data(), rows, width, static_cast<float>(1.0 / temperature)};
}

TEST(NtXentRows, EqualTheNaiveOnesOnEveryTarget) {
  for (const std::int64_t rows : {2, 6, 16, 50, 98})
    for (const std::int64_t width : {3, 20, 64})
      for (const double temperature : {0.01, 0.1, 0.5, 10.0}) {
        const Values z = unit_rows(rows, width);
        const std::vector<double> wide(z.begin(), z.end());
        const std::vector<double> scores = scores_of(wide, rows, width, temperature);
        const std::vector<double> sums = log_sums_of(scores, rows);
        for_every_target([&](const std::string& target) {
          Values log_sums(static_cast<std::size_t>(rows)), positives(log_sums);
          std::vector<std::uint8_t> hits(static_cast<std::size_t>(rows));
          nt_xent_rows(rows_of(z, rows, width, temperature), log_sums.data(), positives.data(),
                       hits.data());
          for (std::int64_t a = 0; a < rows; ++a) {
            const auto i = static_cast<std::size_t>(a);
            const double positive =
                scores[static_cast<std::size_t>(a * rows + (a + rows / 2) % rows)];
            const double scale = std::max(1.0, 1.0 / temperature);
            EXPECT_NEAR(log_sums[i], sums[i], kRounding * scale) << target << rows;
            EXPECT_NEAR(positives[i], positive, kRounding * scale) << target << rows;
            bool nearest = true;
            for (std::int64_t b = 0; b < rows; ++b)
              if (a != b && scores[static_cast<std::size_t>(a * rows + b)] > positive)
                nearest = false;
            EXPECT_EQ(hits[i] != 0, nearest) << target << rows;
          }
        });
      }
}

TEST(NtXentRows, GradientEqualsCentralDifferencesOnEveryTarget) {
  constexpr double kStep = 1e-5;
  for (const std::int64_t rows : {2, 6, 34, 50}) {
    constexpr std::int64_t kWidth = 20;
    const Values z = unit_rows(rows, kWidth);
    for_every_target([&](const std::string& target) {
      Values log_sums(static_cast<std::size_t>(rows)), positives(log_sums);
      std::vector<std::uint8_t> hits(static_cast<std::size_t>(rows));
      const NtXentRows input = rows_of(z, rows, kWidth, 0.5);
      nt_xent_rows(input, log_sums.data(), positives.data(), hits.data());
      Values gradient(z.size(), NAN);
      nt_xent_rows_gradient(input, log_sums.data(), 3.0F, gradient.data());
      for (std::size_t i = 0; i < z.size(); i += 37) {
        std::vector<double> moved(z.begin(), z.end());
        moved[i] += kStep;
        const double up = loss_of(moved, rows, kWidth, 0.5);
        moved[i] -= 2 * kStep;
        const double down = loss_of(moved, rows, kWidth, 0.5);
        EXPECT_NEAR(gradient[i], 3.0 * (up - down) / (2 * kStep), 1e-4) << target << rows;
      }
    });
  }
}

TEST(NtXentRows, OneNanIsNotLost) {
  Values z = unit_rows(6, 8);
  z[3] = NAN;
  Values log_sums(6), positives(6);
  std::vector<std::uint8_t> hits(6);
  nt_xent_rows(rows_of(z, 6, 8, 0.5), log_sums.data(), positives.data(), hits.data());
  EXPECT_TRUE(std::isnan(log_sums[0] - positives[0]));
}

TEST(NtXentRows, GiveTheSameBitsForAnyNumberOfThreads) {
  const Values z = unit_rows(198, 32);
  const auto gradient_of = [&] {
    Values log_sums(198), positives(198), gradient(z.size());
    std::vector<std::uint8_t> hits(198);
    const NtXentRows input = rows_of(z, 198, 32, 0.1);
    nt_xent_rows(input, log_sums.data(), positives.data(), hits.data());
    nt_xent_rows_gradient(input, log_sums.data(), 1.0F, gradient.data());
    return gradient;
  };
  const Values expected = gradient_of();
  for (const int threads : {1, 3, 5}) {
    const Threads set(threads);
    EXPECT_EQ(gradient_of(), expected);
  }
}

}  // namespace
}  // namespace simclr
