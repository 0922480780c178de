#include "simclr/loss/dcl.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include <cstdint>
#include <limits>

#include "simclr/loss/similarities.h"

namespace simclr {

at::Tensor dcl(const at::Tensor& z, double temperature) {
  detail::check_contrastive("dcl", z, temperature);
  const std::int64_t images = z.size(0) / 2;
  const at::Tensor unit = detail::unit_rows(z);
  if (images == 1) {  // no negatives: the attraction alone
    return unit.slice(0, 0, 1).mul(unit.slice(0, 1)).sum().div(-temperature);
  }
  const auto partners = [&](std::int64_t first, std::int64_t count) {
    return at::arange(first, first + count, z.options().dtype(at::kLong).requires_grad(false))
        .add_(images)
        .remainder_(2 * images)
        .unsqueeze(1);  // [B, 1]
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  detail::RowRules rules;
  rules.leave_out = [&](at::Tensor& scores, std::int64_t first) {
    scores.diagonal(first).fill_(-kInfinity);
    scores.scatter_(1, partners(first, scores.size(0)), -kInfinity);
  };
  rules.positives = [&](std::int64_t first, std::int64_t count) {
    return at::zeros({count, 2 * images}, unit.detach().options())
        .scatter_(1, partners(first, count), 1.0);
  };
  return detail::blocked_loss(unit, temperature, rules);
}

}  // namespace simclr
