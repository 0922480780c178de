#include "simclr/loss/nt_xent.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "simclr/kernels/nt_xent.h"

namespace simclr {
namespace {

/// Keeps a row of zeros finite; the value of torch.nn.functional.normalize.
constexpr double kSmallestNorm = 1e-12;

/// Similarities in memory at once: small enough for a laptop, large enough for the product's speed.
constexpr std::int64_t kBlockElements = std::int64_t{1} << 23;

void check_projections(const char* op, const at::Tensor& z) {
  TORCH_CHECK(z.dim() == 2, "[", op, "] expected projections [2N, D], got ", z.dim(),
              " dimension(s)");
  TORCH_CHECK(z.is_floating_point(), "[", op, "] expected f32 or f64 projections, got ",
              z.scalar_type());
  TORCH_CHECK(z.size(0) > 0 && z.size(0) % 2 == 0, "[", op,
              "] expected an even number of rows, two views of each image, got ", z.size(0));
}

at::Tensor unit_rows(const at::Tensor& z) {
  const at::Tensor norms = at::linalg_vector_norm(z, 2, at::IntArrayRef{1}, true);  // [2N, 1]
  return z.div(norms.clamp_min(kSmallestNorm));
}

/// Row of the other view of each row's image: [2N].
at::Tensor partner_indices(const at::Tensor& z) {
  const std::int64_t rows = z.size(0);
  return at::arange(rows, z.options().dtype(at::kLong)).add_(rows / 2).remainder_(rows);
}

/// Rows first ... last - 1 of the similarities, those of all rows with all.
struct RowBlock {
  std::int64_t first;
  std::int64_t last;
  at::Tensor rows;    ///< [B, D]
  at::Tensor scores;  ///< [B, 2N]: cosine / temperature, -inf where a row meets itself
};

/// Calls visit(RowBlock) for all rows, a block after the other.
template <class Visit>
void for_each_block(const at::Tensor& unit, double temperature, Visit&& visit) {
  const std::int64_t rows = unit.size(0);
  const std::int64_t step = std::clamp<std::int64_t>(kBlockElements / rows, 1, rows);
  const at::Tensor columns = unit.t();
  for (std::int64_t first = 0; first < rows; first += step) {
    const std::int64_t last = std::min(first + step, rows);
    RowBlock block{first, last, unit.slice(0, first, last), {}};
    block.scores = at::mm(block.rows, columns).div_(temperature);
    block.scores.diagonal(first).fill_(-std::numeric_limits<double>::infinity());
    visit(block);
  }
}

/// f32 on the CPU goes through our own kernels, whose bits do not depend on the number of threads.
bool is_native(const at::Tensor& unit) {
  return unit.is_cpu() && unit.scalar_type() == at::kFloat && unit.is_contiguous();
}

NtXentRows rows_of(const at::Tensor& unit, double temperature) {
  return {unit.const_data_ptr<float>(), unit.size(0), unit.size(1),
          static_cast<float>(1.0 / temperature)};
}

/// Log sums [2N], scores of the partners [2N], and of how many rows the partner is the nearest.
struct NativeScores {
  at::Tensor log_sums;
  at::Tensor positives;
  std::int64_t hits;
};

NativeScores native_scores(const at::Tensor& unit, double temperature) {
  NativeScores scores{at::empty({unit.size(0)}, unit.options()),
                      at::empty({unit.size(0)}, unit.options()), 0};
  std::vector<std::uint8_t> hits(static_cast<std::size_t>(unit.size(0)));
  nt_xent_rows(rows_of(unit, temperature), scores.log_sums.data_ptr<float>(),
               scores.positives.data_ptr<float>(), hits.data());
  scores.hits = std::count(hits.begin(), hits.end(), 1);
  return scores;
}

/// Mean of log_sums - positives, added up in order.
double mean_loss(const NativeScores& scores) {
  const std::int64_t rows = scores.log_sums.size(0);
  const auto* log_sums = scores.log_sums.const_data_ptr<float>();
  const auto* positives = scores.positives.const_data_ptr<float>();
  double sum = 0.0;
  for (std::int64_t i = 0; i < rows; ++i)
    sum += static_cast<double>(log_sums[i]) - static_cast<double>(positives[i]);
  return sum / static_cast<double>(rows);
}

/// Mean over rows of log sum exp(scores) - score of the partner. With P the softmax of the scores,
/// its gradient is (P u + P^T u - 2 partner) / (2N temperature).
class NtXentOfUnitRows : public torch::autograd::Function<NtXentOfUnitRows> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& unit,
                            double temperature) {
    context->saved_data["temperature"] = temperature;
    if (is_native(unit)) {
      const NativeScores scores = native_scores(unit, temperature);
      context->save_for_backward({unit, scores.log_sums});
      return at::scalar_tensor(mean_loss(scores), unit.options());
    }
    at::Tensor log_sums = at::empty({unit.size(0)}, unit.options());
    at::Tensor losses = at::empty_like(log_sums);
    const at::Tensor partner = partner_indices(unit).unsqueeze(1);
    for_each_block(unit, temperature, [&](const RowBlock& block) {
      const at::Tensor log_sum = at::logsumexp(block.scores, 1);  // [B]
      log_sums.slice(0, block.first, block.last).copy_(log_sum);
      const at::Tensor positive =
          block.scores.gather(1, partner.slice(0, block.first, block.last)).squeeze(1);
      losses.slice(0, block.first, block.last).copy_(log_sum.sub(positive));
    });
    context->save_for_backward({unit, log_sums});
    return losses.mean();
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      const torch::autograd::variable_list& gradients) {  // NOLINT: the name that LibTorch calls
    const at::Tensor unit = context->get_saved_variables()[0];
    const at::Tensor log_sums = context->get_saved_variables()[1];
    const double temperature = context->saved_data["temperature"].toDouble();
    const double scale = 1.0 / (static_cast<double>(unit.size(0)) * temperature);
    if (is_native(unit)) {
      at::Tensor gradient = at::empty_like(unit);
      const auto share = gradients[0].item<double>() / static_cast<double>(unit.size(0));
      nt_xent_rows_gradient(rows_of(unit, temperature), log_sums.const_data_ptr<float>(),
                            static_cast<float>(share), gradient.data_ptr<float>());
      return {gradient, at::Tensor()};
    }
    at::Tensor gradient = unit.roll(unit.size(0) / 2, 0).mul_(-2.0);  // [2N, D]
    for_each_block(unit, temperature, [&](const RowBlock& block) {
      at::Tensor& softmax =
          block.scores.sub_(log_sums.slice(0, block.first, block.last).unsqueeze(1))
              .exp_();  // [B, 2N]
      gradient.slice(0, block.first, block.last).addmm_(softmax, unit);
      gradient.addmm_(softmax.t(), block.rows);
    });
    return {gradient.mul_(gradients[0].mul(scale)), at::Tensor()};
  }
};

}  // namespace

at::Tensor nt_xent(const at::Tensor& z, double temperature) {
  check_projections("nt_xent", z);
  TORCH_CHECK(temperature > 0, "[nt_xent] expected a temperature above 0, got ", temperature);
  return NtXentOfUnitRows::apply(unit_rows(z), temperature);
}

double contrastive_accuracy(const at::Tensor& z) {
  check_projections("contrastive_accuracy", z);
  const c10::NoGradGuard no_gradient;
  const at::Tensor unit = unit_rows(z);
  if (is_native(unit))
    return static_cast<double>(native_scores(unit, 1.0).hits) / static_cast<double>(z.size(0));
  const at::Tensor partner = partner_indices(z);
  std::int64_t right = 0;
  for_each_block(unit, 1.0, [&](const RowBlock& block) {
    const at::Tensor column = partner.slice(0, block.first, block.last).unsqueeze(1);
    const at::Tensor positive = block.scores.gather(1, column);
    block.scores.scatter_(1, column, -std::numeric_limits<double>::infinity());
    right += positive.gt(block.scores.amax(1, true)).sum().item<std::int64_t>();
  });
  return static_cast<double>(right) / static_cast<double>(z.size(0));
}

}  // namespace simclr
