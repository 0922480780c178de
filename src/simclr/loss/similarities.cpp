#include "simclr/loss/similarities.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <c10/util/Exception.h>

namespace simclr::detail {
namespace {

/// Keeps a row of zeros finite; the value of torch.nn.functional.normalize.
constexpr double kSmallestNorm = 1e-12;

}  // namespace

void check_contrastive(const char* op, const at::Tensor& z, double temperature) {
  TORCH_CHECK(z.dim() == 2, "[", op, "] expected projections [2N, D], got ", z.dim(),
              " dimension(s)");
  TORCH_CHECK(z.is_floating_point(), "[", op, "] expected f32 or f64 projections, got ",
              z.scalar_type());
  TORCH_CHECK(z.size(0) > 0 && z.size(0) % 2 == 0, "[", op,
              "] expected an even number of rows, two views of each image, got ", z.size(0));
  TORCH_CHECK(temperature > 0, "[", op, "] expected a temperature above 0, got ", temperature);
}

at::Tensor similarities(const at::Tensor& z, double temperature) {
  const at::Tensor norms = at::linalg_vector_norm(z, 2, at::IntArrayRef{1}, true);  // [2N, 1]
  const at::Tensor unit = z.div(norms.clamp_min(kSmallestNorm));
  return at::mm(unit, unit.t()).div(temperature);
}

at::Tensor self_mask(const at::Tensor& z) {
  return at::eye(z.size(0), z.options().dtype(at::kBool).requires_grad(false));
}

}  // namespace simclr::detail
