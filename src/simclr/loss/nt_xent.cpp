#include "simclr/loss/nt_xent.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <limits>

namespace simclr {
namespace {

/// Keeps a row of zeros finite; the value of torch.nn.functional.normalize.
constexpr double kSmallestNorm = 1e-12;

void check_projections(const char* op, const at::Tensor& z) {
  TORCH_CHECK(z.dim() == 2, "[", op, "] expected projections [2N, D], got ", z.dim(),
              " dimension(s)");
  TORCH_CHECK(z.is_floating_point(), "[", op, "] expected f32 or f64 projections, got ",
              z.scalar_type());
  TORCH_CHECK(z.size(0) > 0 && z.size(0) % 2 == 0, "[", op,
              "] expected an even number of rows, two views of each image, got ", z.size(0));
}

/// Cosine of every pair of rows, -inf where a row meets itself: [2N, 2N].
at::Tensor masked_similarities(const at::Tensor& z) {
  const at::Tensor norms = at::linalg_vector_norm(z, 2, at::IntArrayRef{1}, true);  // [2N, 1]
  const at::Tensor unit = z.div(norms.clamp_min(kSmallestNorm));
  const at::Tensor self = at::eye(z.size(0), z.options().dtype(at::kBool));
  return at::matmul(unit, unit.t()).masked_fill(self, -std::numeric_limits<double>::infinity());
}

/// Row of the other view of each row's image: [2N].
at::Tensor partners(const at::Tensor& z) {
  const std::int64_t rows = z.size(0);
  return at::arange(rows, z.options().dtype(at::kLong)).add(rows / 2).remainder(rows);
}

}  // namespace

at::Tensor nt_xent(const at::Tensor& z, double temperature) {
  check_projections("nt_xent", z);
  TORCH_CHECK(temperature > 0, "[nt_xent] expected a temperature above 0, got ", temperature);
  return at::cross_entropy_loss(masked_similarities(z).div(temperature), partners(z));
}

double contrastive_accuracy(const at::Tensor& z) {
  check_projections("contrastive_accuracy", z);
  const c10::NoGradGuard no_gradient;
  const at::Tensor nearest = at::argmax(masked_similarities(z), 1);
  return nearest.eq(partners(z)).to(at::kDouble).mean().item<double>();
}

}  // namespace simclr
