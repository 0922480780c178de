#include "simclr/measure/representation.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace simclr {
namespace {

constexpr double kSmallestNorm = 1e-12;  // keeps a row of zeros finite
constexpr double kUniformityScale = 2.0;

void check_rows(const char* op, const at::Tensor& x, std::int64_t at_least) {
  TORCH_CHECK(x.dim() == 2 && x.is_floating_point() && x.size(0) >= at_least, "[", op,
              "] expected f32 or f64 rows [n, width] with n at least ", at_least, ", got ",
              x.scalar_type(), " ", x.sizes());
}

at::Tensor unit_rows(const at::Tensor& x) {
  const at::Tensor rows = x.detach().to(at::kDouble);
  const at::Tensor norms = at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}, true);
  return rows.div(norms.clamp_min(kSmallestNorm));
}

}  // namespace

double alignment(const at::Tensor& z) {
  check_rows("alignment", z, 2);
  TORCH_CHECK(z.size(0) % 2 == 0, "[alignment] expected two views of each image, got ", z.size(0),
              " rows");
  const c10::NoGradGuard no_gradient;
  const std::int64_t images = z.size(0) / 2;
  const at::Tensor unit = unit_rows(z);
  const at::Tensor apart = unit.slice(0, 0, images).sub(unit.slice(0, images));
  return apart.square().sum(1).mean().item<double>();
}

double uniformity(const at::Tensor& z) {
  check_rows("uniformity", z, 2);
  const c10::NoGradGuard no_gradient;
  const at::Tensor unit = unit_rows(z);
  // Squared distance of unit rows is 2 - 2 cosine; a row's own pair is exp(0) = 1, taken away.
  const at::Tensor pairs = at::mm(unit, unit.t()).sub_(1.0).mul_(2.0 * kUniformityScale).exp_();
  const auto n = static_cast<double>(z.size(0));
  const double sum = pairs.sum().item<double>() - pairs.diagonal().sum().item<double>();
  return std::log(sum / (n * (n - 1.0)));
}

double effective_rank(const at::Tensor& h) {
  check_rows("effective_rank", h, 1);
  const c10::NoGradGuard no_gradient;
  const at::Tensor rows = h.detach().to(at::kDouble);
  const bool tall = rows.size(0) >= rows.size(1);
  const at::Tensor gram = tall ? at::mm(rows.t(), rows) : at::mm(rows, rows.t());
  const at::Tensor singular = at::linalg_eigvalsh(gram).clamp_min(0.0).sqrt();
  const double sum = singular.sum().item<double>();
  if (!(sum > 0.0)) return 0.0;
  const at::Tensor shares = singular.div(sum);
  const at::Tensor terms = shares.mul(shares.clamp_min(std::numeric_limits<double>::min()).log());
  return std::exp(-terms.sum().item<double>());
}

double leave_one_out_accuracy(const at::Tensor& h, const at::Tensor& labels, std::int64_t classes,
                              std::int64_t k, double temperature) {
  check_rows("leave_one_out_accuracy", h, 2);
  TORCH_CHECK(labels.dim() == 1 && labels.size(0) == h.size(0),
              "[leave_one_out_accuracy] expected one label for each of ", h.size(0), " rows, got ",
              labels.sizes());
  const c10::NoGradGuard no_gradient;
  const at::Tensor unit = unit_rows(h);
  at::Tensor cosines = at::mm(unit, unit.t());
  cosines.fill_diagonal_(-std::numeric_limits<double>::infinity());
  const std::int64_t voters = std::min(k, h.size(0) - 1);
  const auto [nearest, indices] = at::topk(cosines, voters, 1);  // [n, k], nearest first
  const at::Tensor weights = nearest.sub(nearest.select(1, 0).unsqueeze(1)).div(temperature).exp();
  const at::Tensor classes_of = labels.index_select(0, indices.flatten()).view_as(indices);
  const at::Tensor votes =
      at::zeros({h.size(0), classes}, unit.options()).scatter_add_(1, classes_of, weights);
  return at::argmax(votes, 1).eq(labels).to(at::kDouble).mean().item<double>();
}

}  // namespace simclr
