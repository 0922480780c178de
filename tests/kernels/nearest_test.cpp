#include "simclr/kernels/nearest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "tests/kernels/maps.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

/// An f32 sum of products of rows of length 1.
constexpr double kRounding = 1e-6;

Values unit_rows(std::int64_t rows, std::int64_t width, std::uint32_t sample) {
  Values x = random_floats(rows * width, sample);
  for (std::int64_t r = 0; r < rows; ++r) {
    float* row = x.data() + r * width;
    double square = 0.0;
    for (std::int64_t i = 0; i < width; ++i) square += static_cast<double>(row[i]) * row[i];
    for (std::int64_t i = 0; i < width; ++i) row[i] /= static_cast<float>(std::sqrt(square));
  }
  return x;
}

double product(const float* a, const float* b, std::int64_t width) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < width; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// Every pair in f64, sorted: the similarities of the k nearest of one query.
std::vector<double> oracle(const UnitRows& bank, const float* query, std::int64_t k) {
  std::vector<double> all;
  for (std::int64_t b = 0; b < bank.rows; ++b)
    all.push_back(product(query, bank.data + b * bank.width, bank.width));
  std::sort(all.begin(), all.end(), std::greater<>());
  all.resize(static_cast<std::size_t>(k));
  return all;
}

void expect_oracle(const Values& bank_values, const Values& query_values, std::int64_t width,
                   std::int64_t k) {
  const UnitRows bank{bank_values.data(), std::ssize(bank_values) / width, width};
  const UnitRows queries{query_values.data(), std::ssize(query_values) / width, width};
  const std::vector<Neighbour> nearest = nearest_rows(bank, queries, k);
  ASSERT_EQ(std::ssize(nearest), queries.rows * k);
  for (std::int64_t q = 0; q < queries.rows; ++q) {
    const float* query = queries.data + q * width;
    const std::vector<double> expected = oracle(bank, query, k);
    std::vector<std::int32_t> seen;
    for (std::int64_t i = 0; i < k; ++i) {
      const Neighbour& n = nearest[static_cast<std::size_t>(q * k + i)];
      EXPECT_NEAR(n.similarity, expected[static_cast<std::size_t>(i)], kRounding);
      EXPECT_NEAR(n.similarity, product(query, bank.data + n.row * width, width), kRounding);
      seen.push_back(n.row);
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end()) << "a row twice";
  }
}

TEST(NearestRows, AreThoseOfEveryPair) {
  for (const std::int64_t width : {1, 3, 16, 37, 512})
    for (const std::int64_t k : {1, 7, 100})
      expect_oracle(unit_rows(403, width, 1), unit_rows(101, width, 2), width, k);
}

TEST(NearestRows, AreThoseOfEveryPairWhenManyAreThrownOut) {
  expect_oracle(unit_rows(9001, 24, 1), unit_rows(5, 24, 2), 24, 10);
  expect_oracle(unit_rows(9001, 24, 1), unit_rows(5, 24, 2), 24, 2000);
}

TEST(NearestRows, TellApartWhatSixteenBitsCannot) {
  constexpr std::int64_t kWidth = 64;
  const Values centre = unit_rows(1, kWidth, 3);
  Values bank;
  for (std::uint32_t row = 0; row < 700; ++row) {
    const Values noise = random_floats(kWidth, 10 + row);
    for (std::size_t i = 0; i < kWidth; ++i) bank.push_back(centre[i] + 2e-5F * noise[i]);
    double square = 0.0;
    for (std::size_t i = bank.size() - kWidth; i < bank.size(); ++i)
      square += static_cast<double>(bank[i]) * bank[i];
    for (std::size_t i = bank.size() - kWidth; i < bank.size(); ++i)
      bank[i] /= static_cast<float>(std::sqrt(square));
  }
  expect_oracle(bank, unit_rows(3, kWidth, 4), kWidth, 5);
}

TEST(NearestRows, GivesEqualsTheEarlierRow) {
  const Values one = unit_rows(1, 8, 1);
  Values bank;
  for (int i = 0; i < 3000; ++i) bank.insert(bank.end(), one.begin(), one.end());
  const std::vector<Neighbour> nearest =
      nearest_rows({bank.data(), 3000, 8}, {one.data(), 1, 8}, 5);
  for (std::int32_t i = 0; i < 5; ++i) EXPECT_EQ(nearest[static_cast<std::size_t>(i)].row, i);
}

TEST(NearestRows, TakeTheWholeBankAndRowsOfZeros) {
  Values bank = unit_rows(20, 6, 1);
  std::fill_n(bank.begin() + 6, 6, 0.0F);
  expect_oracle(bank, unit_rows(4, 6, 2), 6, 20);
  expect_oracle(bank, Values(6, 0.0F), 6, 3);
}

TEST(NearestRows, HaveTheSameBitsForAnyNumberOfThreads) {
  const Values bank = unit_rows(500, 40, 1), queries = unit_rows(300, 40, 2);
  const auto found = [&] {
    return nearest_rows({bank.data(), 500, 40}, {queries.data(), 300, 40}, 9);
  };
  const Threads one(1);
  const std::vector<Neighbour> expected = found();
  for (const int threads : {2, 3, 5}) {
    const Threads set(threads);
    EXPECT_TRUE(found() == expected) << threads;
  }
}

TEST(NearestRows, AreTheSameOnEveryInstructionSet) {
  for_every_target([](const std::string& name) {
    SCOPED_TRACE(name);
    expect_oracle(unit_rows(130, 37, 1), unit_rows(20, 37, 2), 37, 11);
  });
}

}  // namespace
}  // namespace simclr
