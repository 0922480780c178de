#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace simclr::detail {

/// Throws unless `z` is f32 or f64 [2N, D] with N at least 1, and the temperature above 0. `op`
/// names the loss in the message.
void check_contrastive(const char* op, const at::Tensor& z, double temperature);

/// Rows over their norms, differentiable; a row of zeros stays.
at::Tensor unit_rows(const at::Tensor& z);

/// What tells one contrastive loss from another, for the rows first ... first + B - 1.
struct RowRules {
  /// Sets what is no candidate to -inf. @param scores  [B, 2N]: cosine / temperature
  std::function<void(at::Tensor& scores, std::int64_t first)> leave_out;
  /// How much each row counts as positive: [B, 2N], rows that sum to 1.
  std::function<at::Tensor(std::int64_t first, std::int64_t count)> positives;
};

/// Mean over rows of log sum exp(scores of candidates) - mean score of positives, a block of rows
/// at a time: O(N D) memory, never 2N x 2N. Once differentiable; the gradient is made in the same
/// sweep.
at::Tensor blocked_loss(const at::Tensor& unit, double temperature, const RowRules& rules);

}  // namespace simclr::detail
