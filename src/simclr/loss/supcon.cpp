#include "simclr/loss/supcon.h"

#include <c10/util/Exception.h>

#include <cstdint>
#include <limits>

#include "simclr/loss/similarities.h"

namespace simclr {

at::Tensor supcon(const at::Tensor& z, const at::Tensor& labels, double temperature) {
  detail::check_contrastive("supcon", z, temperature);
  const std::int64_t images = z.size(0) / 2;
  TORCH_CHECK(labels.dim() == 1 && labels.size(0) == images,
              "[supcon] expected one label for each of ", images, " images, got ", labels.sizes());
  TORCH_CHECK(labels.scalar_type() == at::kLong, "[supcon] expected i64 labels, got ",
              labels.scalar_type());
  const at::Tensor classes = labels.repeat({2});  // [2N]
  detail::RowRules rules;
  rules.leave_out = [](at::Tensor& scores, std::int64_t first) {
    scores.diagonal(first).fill_(-std::numeric_limits<double>::infinity());
  };
  rules.positives = [&](std::int64_t first, std::int64_t count) {
    const at::Tensor own = classes.slice(0, first, first + count).unsqueeze(1);
    at::Tensor positives = classes.unsqueeze(0).eq(own).to(z.scalar_type());  // [B, 2N]
    positives.diagonal(first).fill_(0.0);
    // The other view of its own image is always there, so no anchor is without a positive.
    return positives.div_(positives.sum(1, true));
  };
  return detail::blocked_loss(detail::unit_rows(z), temperature, rules);
}

}  // namespace simclr
