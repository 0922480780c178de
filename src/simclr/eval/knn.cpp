#include "simclr/eval/knn.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "simclr/core/parallel.h"
#include "simclr/kernels/nearest.h"

namespace simclr {
namespace {

constexpr double kSmallestNorm = 1e-12;  // keeps a row of zeros finite: cosine 0 with everything
constexpr double kNoVote = -std::numeric_limits<double>::infinity();

at::Tensor unit_rows(const at::Tensor& features) {
  const at::Tensor x = features.to(at::kFloat).contiguous();
  at::Tensor unit = at::empty(x.sizes(), at::kFloat);
  const std::int64_t width = x.size(1);
  std::vector<double> norms(static_cast<std::size_t>(x.size(0)));
  parallel_for(x.size(0), [&](std::int64_t i) {
    const float* from = x.data_ptr<float>() + i * width;
    float* to = unit.data_ptr<float>() + i * width;
    double square = 0.0;
    for (std::int64_t j = 0; j < width; ++j) square += static_cast<double>(from[j]) * from[j];
    norms[static_cast<std::size_t>(i)] = std::sqrt(square);
    const double scale = 1.0 / std::max(std::sqrt(square), kSmallestNorm);
    for (std::int64_t j = 0; j < width; ++j) to[j] = static_cast<float>(from[j] * scale);
  });
  const bool finite =
      std::all_of(norms.begin(), norms.end(), [](double norm) { return std::isfinite(norm); });
  TORCH_CHECK(finite, "[knn_votes] a feature is not finite");
  return unit;
}

UnitRows view_of(const at::Tensor& unit) {
  return {unit.data_ptr<float>(), unit.size(0), unit.size(1)};
}

void check_arguments(const Features& bank, const Features& queries, const KnnSettings& settings) {
  TORCH_CHECK(bank.x.size(0) > 0 && queries.x.size(0) > 0,
              "[knn_votes] expected images in bank and queries, got ", bank.x.size(0), " and ",
              queries.x.size(0));
  TORCH_CHECK(bank.x.size(1) == queries.x.size(1),
              "[knn_votes] expected features of one width, got ", bank.x.size(1), " and ",
              queries.x.size(1));
  TORCH_CHECK(!settings.k.empty(), "[knn_votes] expected a number of neighbours, got none");
}

}  // namespace

std::vector<at::Tensor> knn_votes(const Features& bank, const Features& queries,
                                  const KnnSettings& settings, std::int64_t classes) {
  check_arguments(bank, queries, settings);
  const c10::NoGradGuard no_gradient;
  const at::Tensor bank_unit = unit_rows(bank.x);
  const at::Tensor queries_unit = unit_rows(queries.x);
  const std::int64_t most =
      std::min(*std::max_element(settings.k.begin(), settings.k.end()), bank.x.size(0));
  const std::vector<Neighbour> nearest =
      nearest_rows(view_of(bank_unit), view_of(queries_unit), most);
  const at::Tensor labels = bank.labels.contiguous();

  std::vector<at::Tensor> votes;
  for (std::size_t i = 0; i < settings.k.size(); ++i)
    votes.push_back(at::full({queries.x.size(0), classes}, kNoVote, at::kDouble));
  parallel_for(queries.x.size(0), [&](std::int64_t q) {
    const Neighbour* mine = nearest.data() + q * most;
    for (std::size_t i = 0; i < settings.k.size(); ++i) {
      double* sums = votes[i].data_ptr<double>() + q * classes;
      for (std::int64_t n = 0; n < std::min(settings.k[i], most); ++n) {
        // Over the nearest one's vote, so that no temperature overflows.
        const double above = static_cast<double>(mine[n].similarity) - mine[0].similarity;
        double& sum = sums[labels.data_ptr<std::int64_t>()[mine[n].row]];
        sum = std::max(sum, 0.0) + std::exp(above / settings.temperature);
      }
    }
  });
  return votes;
}

}  // namespace simclr
