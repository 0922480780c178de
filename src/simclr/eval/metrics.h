#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace simclr {

/// How well class scores name the labels.
struct ClassScores {
  double top1 = 0.0;     ///< share of images whose own class is first
  double top5 = 0.0;     ///< ... among the first five
  at::Tensor confusion;  ///< i64 [classes, classes]: images by their class (row) and the first one
                         ///< named (column)

  /// Share of each class's images that are right; NaN for a class without images.
  std::vector<double> per_class() const;
};

/// Counts over every image. Of equal scores the smaller label is before the other; a score of
/// -infinity is no candidate, not even for fifth place.
/// @param scores  f32 or f64 [n, classes], n at least 1
/// @param labels  i64 [n], in [0, classes)
/// @throws c10::Error if they do not fit, or a score is not a number
ClassScores score_classes(const at::Tensor& scores, const at::Tensor& labels);

/// Mean and sample standard deviation (n - 1); 0 for one value.
struct Spread {
  double mean = 0.0;
  double deviation = 0.0;
};
Spread spread_of(const std::vector<double>& values);

}  // namespace simclr
