#include "simclr/loss/supcon.h"

#include <ATen/ops/logsumexp.h>
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
  const at::Tensor self = detail::self_mask(z);
  const at::Tensor scores = detail::similarities(z, temperature);  // [2N, 2N]
  const at::Tensor log_sums =
      at::logsumexp(scores.masked_fill(self, -std::numeric_limits<double>::infinity()), 1);  // [2N]
  const at::Tensor classes = labels.repeat({2});
  const at::Tensor positives =
      classes.unsqueeze(0).eq(classes.unsqueeze(1)).logical_and(self.logical_not()).to(z.dtype());
  // The other view of its own image is always there, so no anchor is without a positive.
  const at::Tensor mean_score = scores.mul(positives).sum(1).div(positives.sum(1));  // [2N]
  return log_sums.sub(mean_score).mean();
}

}  // namespace simclr
