#include "simclr/eval/logistic.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/eval/toy_features.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr std::int64_t kIterations = 300;
constexpr double kGradient = 1.1e-5;  // what "converged" promises, and the rounding of f32 products
constexpr double kWeightTolerance = 2e-3;     // that gradient over the least curvature, l2
constexpr double kObjectiveTolerance = 1e-8;  // second order in the distance from the optimum

LogisticModel fit_logistic(const at::Tensor& x, const at::Tensor& labels, std::int64_t classes,
                           double l2, std::int64_t iterations,
                           const LogisticModel* start = nullptr) {
  return LogisticProblem(x, labels, classes).fit(l2, iterations, start);
}

struct Slope {
  double value = 0.0;
  std::vector<double> weight;  // [classes * F]
  std::vector<double> bias;    // [classes]
};

/// Objective and gradient with plain loops.
Slope slope_at(const at::Tensor& x, const at::Tensor& labels, const at::Tensor& weight,
               const at::Tensor& bias, double l2) {
  const std::int64_t classes = weight.size(0);
  const std::int64_t width = weight.size(1);
  const double* w = weight.data_ptr<double>();
  Slope slope{0.0, std::vector<double>(static_cast<std::size_t>(classes * width)),
              std::vector<double>(static_cast<std::size_t>(classes))};
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    const double* row = x.data_ptr<double>() + i * width;
    std::vector<double> shares(static_cast<std::size_t>(classes));
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) {
      double score = bias.data_ptr<double>()[c];
      for (std::int64_t d = 0; d < width; ++d) score += w[c * width + d] * row[d];
      sum += shares[static_cast<std::size_t>(c)] = std::exp(score);
    }
    const auto label = labels.data_ptr<std::int64_t>()[i];
    const double share_of_image = 1.0 / static_cast<double>(x.size(0));
    slope.value -= std::log(shares[static_cast<std::size_t>(label)] / sum) * share_of_image;
    for (std::int64_t c = 0; c < classes; ++c) {
      const double residual =
          (shares[static_cast<std::size_t>(c)] / sum - (c == label ? 1.0 : 0.0)) * share_of_image;
      slope.bias[static_cast<std::size_t>(c)] += residual;
      for (std::int64_t d = 0; d < width; ++d)
        slope.weight[static_cast<std::size_t>(c * width + d)] += residual * row[d];
    }
  }
  for (std::size_t j = 0; j < slope.weight.size(); ++j) {
    slope.value += 0.5 * l2 * w[j] * w[j];
    slope.weight[j] += l2 * w[j];
  }
  return slope;
}

Slope slope_of(const LogisticModel& model, const Features& data, double l2) {
  return slope_at(data.x.to(at::kDouble), data.labels, model.weight, model.bias, l2);
}

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

TEST(Logistic, EndsWhereTheGradientIsZero) {
  const Features data = toy_features(90, 6, 3, 2.0F, 1);
  for (const double l2 : {1.0, 1e-2, 1e-4}) {
    const LogisticModel model = fit_logistic(data.x, data.labels, 3, l2, kIterations);
    const Slope slope = slope_of(model, data, l2);
    EXPECT_TRUE(model.converged);
    EXPECT_LT(largest(slope.weight), kGradient);
    EXPECT_LT(largest(slope.bias), kGradient);
  }
}

TEST(Logistic, EqualsNewtonsOptimum) {
  std::ifstream file(SIMCLR_GOLDEN_DIR "/logistic.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  const auto matrix = [&](const char* name) {
    std::vector<at::Tensor> rows;
    for (const auto& row : golden[name])
      rows.push_back(at::tensor(row.get<std::vector<double>>(), at::kDouble));
    return at::stack(rows);
  };
  const at::Tensor x = matrix("x");
  const at::Tensor labels =
      at::tensor(golden["labels"].get<std::vector<std::int64_t>>(), at::kLong);
  const double l2 = golden["l2"];
  const LogisticModel model = fit_logistic(x, labels, 3, l2, kIterations);

  const at::Tensor bias = at::tensor(golden["bias"].get<std::vector<double>>(), at::kDouble);
  EXPECT_LT((model.weight - matrix("weight")).abs().max().item<double>(), kWeightTolerance);
  EXPECT_LT((model.bias - bias).abs().max().item<double>(), kWeightTolerance);
  EXPECT_NEAR(slope_at(x, labels, model.weight, model.bias, l2).value,
              golden["objective"].get<double>(), kObjectiveTolerance);
}

TEST(Logistic, EqualsGradientDescent) {
  const Features data = toy_features(30, 3, 2, 1.5F, 1);
  const double l2 = 0.1;
  const at::Tensor x = data.x.to(at::kDouble);
  at::Tensor weight = at::zeros({2, 3}, at::kDouble);
  at::Tensor bias = at::zeros({2}, at::kDouble);
  for (int i = 0; i < 3000; ++i) {
    const Slope slope = slope_at(x, data.labels, weight, bias, l2);
    weight.sub_(at::tensor(slope.weight, at::kDouble).view({2, 3}), 0.3);
    bias.sub_(at::tensor(slope.bias, at::kDouble), 0.3);
  }
  const LogisticModel model = fit_logistic(data.x, data.labels, 2, l2, kIterations);
  EXPECT_LT((model.weight - weight).abs().max().item<double>(), kWeightTolerance);
  EXPECT_LT((model.bias - bias).abs().max().item<double>(), kWeightTolerance);
}

TEST(Logistic, GivesClassSharesWithoutFeatures) {
  const at::Tensor labels = at::tensor({0, 0, 0, 1}, at::kLong);
  const LogisticModel model = fit_logistic(at::zeros({4, 2}), labels, 2, 0.1, kIterations);
  EXPECT_NEAR((model.bias[0] - model.bias[1]).item<double>(), std::log(3.0), 1e-4);
  EXPECT_EQ(model.weight.abs().max().item<double>(), 0.0);
}

TEST(Logistic, StaysFiniteOnSeparableData) {
  const Features data = toy_features(60, 8, 3, 0.01F, 1);
  const LogisticModel model = fit_logistic(data.x, data.labels, 3, 1e-6, kIterations);
  EXPECT_TRUE(model.converged);
  EXPECT_TRUE(model.weight.isfinite().all().item<bool>());
  const at::Tensor scores = at::addmm(model.bias, data.x.to(at::kDouble), model.weight.t());
  EXPECT_TRUE(at::equal(scores.argmax(1), data.labels));
}

TEST(Logistic, TakesFeaturesThatDependOnEachOtherWithoutL2) {
  const Features data = toy_features(60, 3, 3, 2.0F, 1);
  const at::Tensor twice = at::cat({data.x, data.x, at::zeros({60, 1})}, 1);
  const LogisticModel model = fit_logistic(twice, data.labels, 3, 0.0, kIterations);
  EXPECT_TRUE(model.converged);
}

TEST(Logistic, StartsWhereItIsTold) {
  const Features data = toy_features(90, 6, 3, 2.0F, 1);
  const LogisticModel cold = fit_logistic(data.x, data.labels, 3, 1e-2, kIterations);
  const LogisticModel again = fit_logistic(data.x, data.labels, 3, 1e-2, kIterations, &cold);
  EXPECT_EQ(again.iterations, 0);
  EXPECT_TRUE(at::equal(again.weight, cold.weight));
  EXPECT_TRUE(at::equal(again.bias, cold.bias));
}

TEST(Logistic, SaysWhenItWasStopped) {
  const Features data = toy_features(90, 6, 3, 2.0F, 1);
  const LogisticModel model = fit_logistic(data.x, data.labels, 3, 1e-4, 2);
  EXPECT_FALSE(model.converged);
  EXPECT_EQ(model.iterations, 2);
}

TEST(Logistic, GivesTheSameBitsTwice) {
  const Features data = toy_features(900, 40, 3, 2.0F, 1);
  const LogisticModel first = fit_logistic(data.x, data.labels, 3, 1e-3, kIterations);
  const LogisticModel second = fit_logistic(data.x, data.labels, 3, 1e-3, kIterations);
  EXPECT_TRUE(at::equal(first.weight, second.weight));
  EXPECT_TRUE(at::equal(first.bias, second.bias));
}

TEST(Logistic, NamesWhatIsWrongWithItsArguments) {
  const at::Tensor x = at::ones({3, 2});
  const auto error_with = [](const at::Tensor& features, const at::Tensor& labels) {
    return torch_error_of([&] { fit_logistic(features, labels, 3, 0.1, kIterations); });
  };
  EXPECT_EQ(error_with(at::ones({3}), at::zeros({3}, at::kLong)),
            "[LogisticProblem] expected features [n, F] with n at least 1, got [3]");
  EXPECT_EQ(error_with(x, at::zeros({2}, at::kLong)),
            "[LogisticProblem] expected one i64 label for each of 3 rows, got Long [2]");
  EXPECT_EQ(error_with(x, at::zeros({3})),
            "[LogisticProblem] expected one i64 label for each of 3 rows, got Float [3]");
  EXPECT_EQ(error_with(x, at::tensor({0, 3, 1}, at::kLong)),
            "[LogisticProblem] expected labels in [0, 3), got 0 to 3");
  EXPECT_EQ(error_with(x, at::tensor({0, -1, 1}, at::kLong)),
            "[LogisticProblem] expected labels in [0, 3), got -1 to 1");
}

}  // namespace
}  // namespace simclr
