#pragma once

#include "simclr/config/settings.h"
#include "simclr/eval/features.h"

namespace simclr {

/// Weighted k-nearest-neighbour accuracy (Wu et al. 2018): cosine similarity, a neighbour votes for
/// its label with exp(sim / temperature), the class with the largest sum wins (ties: the smaller
/// label). k is capped at the bank's size.
/// @return share of `queries` that are right. Queries go through in blocks: memory O(block * bank).
double knn_accuracy(const Features& bank, const Features& queries, const KnnSettings& settings,
                    std::int64_t classes);

}  // namespace simclr
