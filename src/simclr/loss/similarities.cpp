#include "simclr/loss/similarities.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace simclr::detail {
namespace {

/// Keeps a row of zeros finite; the value of torch.nn.functional.normalize.
constexpr double kSmallestNorm = 1e-12;

/// Similarities in memory at once: small enough for a laptop, large enough for the product's speed.
constexpr std::int64_t kBlockElements = std::int64_t{1} << 22;

/// A loss that was computed together with its gradient.
class WithGradient : public torch::autograd::Function<WithGradient> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& /*unit*/,
                            const at::Tensor& loss, const at::Tensor& gradient) {
    context->save_for_backward({gradient});
    return loss.clone();
  }
  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      const torch::autograd::variable_list& gradients) {  // NOLINT: the name that LibTorch calls
    return {context->get_saved_variables()[0].mul(gradients[0]), at::Tensor(), at::Tensor()};
  }
};

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

at::Tensor unit_rows(const at::Tensor& z) {
  const at::Tensor norms = at::linalg_vector_norm(z, 2, at::IntArrayRef{1}, true);  // [2N, 1]
  return z.div(norms.clamp_min(kSmallestNorm));
}

at::Tensor blocked_loss(const at::Tensor& unit, double temperature, const RowRules& rules) {
  const bool wanted = c10::GradMode::is_enabled() && unit.requires_grad();
  at::Tensor loss;
  at::Tensor gradient;
  {
    const c10::NoGradGuard no_gradient;
    const at::Tensor u = unit.detach();
    const std::int64_t rows = u.size(0);
    const std::int64_t step = std::clamp<std::int64_t>(kBlockElements / rows, 1, rows);
    loss = at::zeros({}, u.options());
    if (wanted) gradient = at::zeros_like(u);
    for (std::int64_t first = 0; first < rows; first += step) {
      const std::int64_t count = std::min(step, rows - first);
      const at::Tensor block = u.slice(0, first, first + count);   // [B, D]
      at::Tensor scores = at::mm(block, u.t()).div_(temperature);  // [B, 2N]
      const at::Tensor positives = rules.positives(first, count);  // [B, 2N]
      const at::Tensor attraction = scores.mul(positives).sum();
      rules.leave_out(scores, first);
      const at::Tensor log_sums = at::logsumexp(scores, at::IntArrayRef{1}, true);  // [B, 1]
      loss.add_(log_sums.sum()).sub_(attraction);
      if (!wanted) continue;
      const at::Tensor of_scores = scores.sub_(log_sums).exp_().sub_(positives);
      gradient.slice(0, first, first + count).addmm_(of_scores, u);
      gradient.addmm_(of_scores.t(), block);
    }
    loss.div_(static_cast<double>(rows));
    if (wanted) gradient.div_(static_cast<double>(rows) * temperature);
  }
  return wanted ? WithGradient::apply(unit, loss, gradient) : loss;
}

}  // namespace simclr::detail
