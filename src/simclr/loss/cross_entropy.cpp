#include "simclr/loss/cross_entropy.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <c10/util/Exception.h>

namespace simclr {
namespace {

void check_scores(const char* op, const at::Tensor& scores, const at::Tensor& labels) {
  TORCH_CHECK(scores.dim() == 2 && scores.size(0) > 0, "[", op,
              "] expected scores [B, classes] with B at least 1, got ", scores.sizes());
  TORCH_CHECK(labels.dim() == 1 && labels.size(0) == scores.size(0), "[", op,
              "] expected one label for each of ", scores.size(0), " rows, got ", labels.sizes());
  TORCH_CHECK(labels.scalar_type() == at::kLong, "[", op, "] expected i64 labels, got ",
              labels.scalar_type());
}

}  // namespace

at::Tensor cross_entropy(const at::Tensor& scores, const at::Tensor& labels) {
  check_scores("cross_entropy", scores, labels);
  return at::cross_entropy_loss(scores, labels);
}

double accuracy(const at::Tensor& scores, const at::Tensor& labels) {
  check_scores("accuracy", scores, labels);
  return at::argmax(scores, 1).eq(labels).to(at::kDouble).mean().item<double>();
}

}  // namespace simclr
