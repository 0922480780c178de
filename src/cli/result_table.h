#pragma once

#include <string>
#include <vector>

#include "simclr/eval/evaluate_run.h"

namespace simclr::cli {

/// Random encoder, raw pixels where they were scored, and trained encoder side by side, one row per
/// protocol; of a single one also its top-5, and a row for each k of knn.
std::string result_table(const std::vector<EvaluationPair>& pairs);

/// One protocol's results of several runs: a row each, then their mean and standard deviation.
std::string runs_table(std::vector<EvaluationPair> pairs, const std::vector<std::string>& runs);

/// The same as a JSON array of the lines of results.jsonl.
std::string result_json(const std::vector<EvaluationPair>& pairs);

}  // namespace simclr::cli
