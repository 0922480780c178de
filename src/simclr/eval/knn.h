#pragma once

#include <vector>

#include "simclr/config/settings.h"
#include "simclr/eval/features.h"

namespace simclr {

/// Votes of the nearest neighbours (Wu et al. 2018): cosine similarity, a neighbour votes for its
/// label with exp(sim / temperature). One search serves every k of the settings; each is capped at
/// the bank's size.
/// @return for each k f64 [queries, classes]: the votes of each class, up to a positive factor a
/// query; -infinity for a class that no neighbour named
/// @throws c10::Error if bank or queries are empty or of different widths, or a feature is not
/// finite
std::vector<at::Tensor> knn_votes(const Features& bank, const Features& queries,
                                  const KnnSettings& settings, std::int64_t classes);

}  // namespace simclr
