#include "simclr/eval/metrics.h"

#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace simclr {
namespace {

constexpr std::int64_t kTop = 5;

void check_arguments(const at::Tensor& scores, const at::Tensor& labels) {
  TORCH_CHECK(scores.dim() == 2 && scores.size(0) > 0 && scores.size(1) > 0,
              "[score_classes] expected scores [n, classes] with n at least 1, got ",
              scores.sizes());
  TORCH_CHECK(
      labels.dim() == 1 && labels.size(0) == scores.size(0) && labels.scalar_type() == at::kLong,
      "[score_classes] expected one i64 label for each of ", scores.size(0), " rows, got ",
      labels.scalar_type(), " ", labels.sizes());
  TORCH_CHECK(!scores.isnan().any().item<bool>(), "[score_classes] a score is not a number");
}

/// Where the class of the label stands among all, from 0.
std::int64_t place_of(std::int64_t label, const double* scores, std::int64_t classes) {
  std::int64_t before = 0;
  for (std::int64_t c = 0; c < classes; ++c)
    before += c < label ? scores[c] >= scores[label] : scores[c] > scores[label];
  return before;
}

std::int64_t first_of(const double* scores, std::int64_t classes) {
  return std::max_element(scores, scores + classes) - scores;
}

}  // namespace

std::vector<double> ClassScores::per_class() const {
  const at::Tensor counts = confusion.to(at::kDouble);
  const at::Tensor shares = counts.diagonal().div(counts.sum(1)).contiguous();  // 0 / 0: NaN
  return {shares.data_ptr<double>(), shares.data_ptr<double>() + shares.numel()};
}

ClassScores score_classes(const at::Tensor& scores, const at::Tensor& labels) {
  check_arguments(scores, labels);
  const std::int64_t count = scores.size(0);
  const std::int64_t classes = scores.size(1);
  const at::Tensor wide = scores.detach().to(at::kCPU, at::kDouble).contiguous();
  const at::Tensor own = labels.to(at::kCPU).contiguous();
  ClassScores found;
  found.confusion = at::zeros({classes, classes}, at::kLong);
  std::int64_t first = 0;
  std::int64_t among_five = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double* row = wide.data_ptr<double>() + i * classes;
    const std::int64_t label = own.data_ptr<std::int64_t>()[i];
    TORCH_CHECK(label >= 0 && label < classes, "[score_classes] expected labels in [0, ", classes,
                "), got ", label);
    const bool candidate = row[label] > -std::numeric_limits<double>::infinity();
    const std::int64_t place = place_of(label, row, classes);
    first += candidate && place == 0 ? 1 : 0;
    among_five += candidate && place < kTop ? 1 : 0;
    ++found.confusion.data_ptr<std::int64_t>()[label * classes + first_of(row, classes)];
  }
  found.top1 = static_cast<double>(first) / static_cast<double>(count);
  found.top5 = static_cast<double>(among_five) / static_cast<double>(count);
  return found;
}

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) spread.mean += value / count;
  double square = 0.0;
  for (const double value : values) square += (value - spread.mean) * (value - spread.mean);
  if (values.size() > 1) spread.deviation = std::sqrt(square / (count - 1.0));
  return spread;
}

}  // namespace simclr
