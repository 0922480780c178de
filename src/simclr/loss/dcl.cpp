#include "simclr/loss/dcl.h"

#include <ATen/ops/logsumexp.h>

#include <cstdint>
#include <limits>

#include "simclr/loss/similarities.h"

namespace simclr {

at::Tensor dcl(const at::Tensor& z, double temperature) {
  detail::check_contrastive("dcl", z, temperature);
  const std::int64_t images = z.size(0) / 2;
  const at::Tensor scores = detail::similarities(z, temperature);  // [2N, 2N]
  const at::Tensor attraction = scores.diagonal(images).mean();    // the same both ways
  if (images == 1) return attraction.neg();
  const at::Tensor own_image = detail::self_mask(z.slice(0, 0, images)).repeat({2, 2});
  const at::Tensor negatives =
      scores.masked_fill(own_image, -std::numeric_limits<double>::infinity());
  return at::logsumexp(negatives, 1).mean().sub(attraction);
}

}  // namespace simclr
