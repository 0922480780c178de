#include "simclr/kernels/optimizer_step.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "simclr/core/parallel.h"
#include "tests/support/every_target.h"

namespace simclr {
namespace {

constexpr double kRounding = 2e-6;      // some roundings of f32, of values up to 4
constexpr double kSumRounding = 1e-12;  // tens of thousands of additions of f64, relative
constexpr double kScale = 0.75;

/// Parameters of odd sizes, one of them of several chunks: x = sin(a i + b).
struct Parameters {
  std::vector<std::vector<float>> weights, gradients, first, second;

  explicit Parameters(const std::vector<std::size_t>& sizes = {1, 7, 64, 40'003}) {
    for (const std::size_t size : sizes) {
      weights.push_back(wave(size, 0.7, 0.1));
      gradients.push_back(wave(size, 1.3, 0.4));
      first.push_back(wave(size, 0.9, 0.2));
      second.push_back(wave(size, 1.1, 0.3));
      for (float& value : second.back()) value = 0.01F + value * value;  // as a mean of squares is
    }
  }

  static std::vector<float> wave(std::size_t size, double a, double b) {
    std::vector<float> values(size);
    for (std::size_t i = 0; i < size; ++i)
      values[i] = static_cast<float>(std::sin(a * static_cast<double>(i) + b));
    return values;
  }

  /// The second parameter neither decays nor adapts, as biases do not.
  std::vector<UpdatedBuffers> buffers(double weight_decay) {
    std::vector<UpdatedBuffers> all;
    for (std::size_t p = 0; p < weights.size(); ++p)
      all.push_back({weights[p].data(), gradients[p].data(), first[p].data(), second[p].data(),
                     std::ssize(weights[p]), p == 1 ? 0.0 : weight_decay, p != 1});
    return all;
  }

  bool operator==(const Parameters&) const = default;
};

/// What an oracle may look at and change of one element, in double.
struct Element {
  double w, gradient, m, v;
};

/// Runs `step` and, element by element, oracle(parameter, Element&); expects the same of both.
template <class Step, class Oracle>
void expect_equal(const Step& step, double weight_decay, Oracle&& oracle) {
  for_every_target([&](const std::string& target) {
    Parameters before;
    Parameters after;
    update(after.buffers(weight_decay), step);
    double largest = 0.0;
    for (std::size_t p = 0; p < before.weights.size(); ++p)
      for (std::size_t i = 0; i < before.weights[p].size(); ++i) {
        Element e{before.weights[p][i], before.gradients[p][i], before.first[p][i],
                  before.second[p][i]};
        oracle(p, e);
        largest = std::max({largest, std::abs(e.w - after.weights[p][i]),
                            std::abs(e.m - after.first[p][i]), std::abs(e.v - after.second[p][i])});
      }
    EXPECT_LT(largest, kRounding) << target;
    EXPECT_EQ(before.gradients, after.gradients) << target;
  });
}

TEST(SgdStep, EqualsTheLoopOracle) {
  for (const bool nesterov : {false, true})
    expect_equal(
        SgdStep{.lr = 0.1, .momentum = 0.8, .nesterov = nesterov, .gradient_scale = kScale}, 0.05,
        [&](std::size_t p, Element& e) {
          const double g = kScale * e.gradient + (p == 1 ? 0.0 : 0.05) * e.w;
          e.m = 0.8 * e.m + g;
          e.w -= 0.1 * (nesterov ? g + 0.8 * e.m : e.m);
        });
}

TEST(SgdStep, IsPlainDescentWithoutABuffer) {
  std::vector<float> w{1.0F, 2.0F};
  const std::vector<float> g{0.5F, -4.0F};
  update({{w.data(), g.data(), nullptr, nullptr, 2, 0.0, false}}, SgdStep{.lr = 0.5});
  EXPECT_EQ(w, (std::vector<float>{0.75F, 4.0F}));
}

TEST(AdamStep, EqualsTheLoopOracle) {
  for (const bool decoupled : {false, true})
    expect_equal(AdamStep{.lr = 0.1, .decoupled = decoupled, .step = 3, .gradient_scale = kScale},
                 0.05, [&](std::size_t p, Element& e) {
                   const double decay = p == 1 ? 0.0 : 0.05;
                   const double g = kScale * e.gradient + (decoupled ? 0.0 : decay) * e.w;
                   if (decoupled) e.w *= 1.0 - 0.1 * decay;
                   e.m = 0.9 * e.m + 0.1 * g;
                   e.v = 0.999 * e.v + 0.001 * g * g;
                   const double root = std::sqrt(e.v / (1.0 - std::pow(0.999, 3))) + 1e-8;
                   e.w -= 0.1 * e.m / (1.0 - std::pow(0.9, 3)) / root;
                 });
}

/// |w| / |g| of each parameter, g with the decay.
std::vector<double> norm_ratios(double weight_decay) {
  const Parameters start;
  std::vector<double> ratios;
  for (std::size_t p = 0; p < start.weights.size(); ++p) {
    double weights = 0.0;
    double gradient = 0.0;
    for (std::size_t i = 0; i < start.weights[p].size(); ++i) {
      const double w = start.weights[p][i];
      const double g = kScale * start.gradients[p][i] + weight_decay * w;
      weights += w * w;
      gradient += g * g;
    }
    ratios.push_back(std::sqrt(weights / gradient));
  }
  return ratios;
}

TEST(LarsStep, EqualsTheLoopOracle) {
  const std::vector<double> ratios = norm_ratios(0.05);
  for (const bool nesterov : {false, true})
    expect_equal(LarsStep{.lr = 2.0,
                          .momentum = 0.8,
                          .nesterov = nesterov,
                          .trust = 0.01,
                          .gradient_scale = kScale},
                 0.05, [&](std::size_t p, Element& e) {
                   const double rate = p == 1 ? 2.0 : 2.0 * 0.01 * ratios[p];
                   const double g = rate * (kScale * e.gradient + (p == 1 ? 0.0 : 0.05) * e.w);
                   e.m = 0.8 * e.m + g;
                   e.w -= nesterov ? g + 0.8 * e.m : e.m;
                 });
}

TEST(LarsStep, TakesTheRateAsItIsWhereANormIsZero) {
  for (const auto& [weight, gradient] : {std::pair{0.0F, 2.0F}, std::pair{3.0F, 0.0F}}) {
    std::vector<float> w(5, weight);
    const std::vector<float> g(5, gradient);
    std::vector<float> m(5, 0.0F);
    update({{w.data(), g.data(), m.data(), nullptr, 5, 0.0, true}}, LarsStep{.lr = 0.5});
    EXPECT_EQ(w, std::vector<float>(5, weight - 0.5F * gradient));
  }
  EXPECT_EQ(trust_ratio(0.001, 0.0, 2.0), 1.0);
  EXPECT_EQ(trust_ratio(0.001, 2.0, 0.0), 1.0);
  EXPECT_EQ(trust_ratio(0.001, 2.0, std::numeric_limits<double>::quiet_NaN()), 1.0);
  EXPECT_DOUBLE_EQ(trust_ratio(0.001, 2.0, 4.0), 0.0005);
}

TEST(Averages, MoveTowardsTheValues) {
  for_every_target([](const std::string& target) {
    Parameters p;
    const std::vector<float> before = p.weights[3];
    update_averages({{p.weights[3].data(), p.gradients[3].data(), std::ssize(before)}}, 0.9);
    double largest = 0.0;
    for (std::size_t i = 0; i < before.size(); ++i)
      largest = std::max(largest, std::abs(0.9 * before[i] + 0.1 * p.gradients[3][i] -
                                           static_cast<double>(p.weights[3][i])));
    EXPECT_LT(largest, kRounding) << target;
  });
}

TEST(SquareSums, EqualTheLoopOracle) {
  for_every_target([](const std::string& target) {
    Parameters parameters;
    const std::vector<SquareSums> sums = square_sums(parameters.buffers(0.05), kScale);
    for (std::size_t p = 0; p < sums.size(); ++p) {
      double weights = 0.0;
      double gradient = 0.0;
      for (std::size_t i = 0; i < parameters.weights[p].size(); ++i) {
        const double w = parameters.weights[p][i];
        const double g = kScale * parameters.gradients[p][i] + (p == 1 ? 0.0 : 0.05) * w;
        weights += w * w;
        gradient += g * g;
      }
      EXPECT_NEAR(sums[p].weights, weights, kSumRounding * weights) << target;
      EXPECT_NEAR(sums[p].gradient, gradient, kSumRounding * gradient) << target;
    }
  });
}

TEST(SquareSums, DoNotOverflowWhereF32Would) {
  std::vector<float> g(19, 1e30F);
  const UpdatedBuffers alone{nullptr, g.data(), nullptr, nullptr, 19, 0.0, false};
  EXPECT_NEAR(square_sums({alone}, 1.0)[0].gradient / 19e60, 1.0, 1e-6);
  EXPECT_EQ(square_sums({alone}, 1.0)[0].weights, 0.0);
}

TEST(OptimizerStep, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = parallel_threads();
  const auto all = [](int count) {
    set_parallel_threads(count);
    Parameters p;
    update(p.buffers(0.05), SgdStep{.lr = 0.1, .momentum = 0.9});
    update(p.buffers(0.05), AdamStep{.lr = 0.1});
    update(p.buffers(0.05), LarsStep{.lr = 0.1});
    return p;
  };
  const Parameters one = all(1);
  set_parallel_threads(1);
  Parameters parameters;
  const double sum = square_sums(parameters.buffers(0.05), 1.0)[3].gradient;
  for (const int count : {2, 3, 7}) {
    EXPECT_TRUE(all(count) == one) << count;
    EXPECT_EQ(square_sums(parameters.buffers(0.05), 1.0)[3].gradient, sum) << count;
  }
  set_parallel_threads(threads);
}

TEST(OptimizerStep, TakesNoParametersAndEmptyOnes) {
  update({}, SgdStep{.lr = 0.1});
  update({UpdatedBuffers{}}, LarsStep{.lr = 0.1});
  EXPECT_TRUE(square_sums({}, 1.0).empty());
  EXPECT_EQ(square_sums({UpdatedBuffers{}}, 1.0)[0].gradient, 0.0);
}

}  // namespace
}  // namespace simclr
