#include "simclr/eval/knn.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <tuple>

namespace simclr {
namespace {

constexpr std::int64_t kQueriesPerBlock = 500;
constexpr double kSmallestNorm = 1e-12;  // keeps a row of zeros finite: cosine 0 with everything

at::Tensor unit_rows(const at::Tensor& x) {
  const at::Tensor norms = at::linalg_vector_norm(x, 2, at::IntArrayRef{1}, true);
  return x.div(norms.clamp_min(kSmallestNorm));
}

/// Sum of votes for each class: f64 [B, classes], up to a positive factor per query.
at::Tensor votes(const at::Tensor& queries, const at::Tensor& bank, const at::Tensor& bank_labels,
                 const KnnSettings& settings, std::int64_t classes) {
  const at::Tensor similarities = at::matmul(queries, bank.t());  // [B, bank]
  const std::int64_t k = std::min(settings.k, bank.size(0));
  const auto [nearest, indices] = at::topk(similarities, k, 1);  // [B, k], nearest first
  // Over the nearest one's vote, so that no temperature overflows.
  const at::Tensor similar = nearest.to(at::kDouble);
  const at::Tensor weights =
      similar.sub(similar.select(1, 0).unsqueeze(1)).div(settings.temperature).exp();
  const at::Tensor labels = bank_labels.index_select(0, indices.flatten()).view_as(indices);
  return at::zeros({queries.size(0), classes}, at::kDouble).scatter_add_(1, labels, weights);
}

}  // namespace

double knn_accuracy(const Features& bank, const Features& queries, const KnnSettings& settings,
                    std::int64_t classes) {
  TORCH_CHECK(bank.x.size(0) > 0 && queries.x.size(0) > 0,
              "[knn_accuracy] expected images in bank and queries, got ", bank.x.size(0), " and ",
              queries.x.size(0));
  TORCH_CHECK(bank.x.size(1) == queries.x.size(1),
              "[knn_accuracy] expected features of one width, got ", bank.x.size(1), " and ",
              queries.x.size(1));
  const c10::NoGradGuard no_gradient;
  const at::Tensor bank_unit = unit_rows(bank.x);
  const at::Tensor queries_unit = unit_rows(queries.x);
  const std::int64_t count = queries.x.size(0);
  std::int64_t right = 0;
  for (std::int64_t first = 0; first < count; first += kQueriesPerBlock) {
    const std::int64_t last = std::min(count, first + kQueriesPerBlock);
    const at::Tensor sums =
        votes(queries_unit.slice(0, first, last), bank_unit, bank.labels, settings, classes);
    const at::Tensor labels = queries.labels.slice(0, first, last);
    right += at::argmax(sums, 1).eq(labels).sum().item<std::int64_t>();
  }
  return static_cast<double>(right) / static_cast<double>(count);
}

}  // namespace simclr
