#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "simclr/report/plot.h"

namespace simclr {

/// Any columns of metrics.jsonl of any runs over their epochs: a colour a run, the first metric
/// solid, the second dashed, further ones dotted. Runs are named by their folders.
/// @throws Error(kUsage) for a metric that no run has, with those there are; Error(kData) for a
/// damaged file
Plot metric_plot(const std::vector<std::filesystem::path>& runs,
                 const std::vector<std::string>& metrics);

}  // namespace simclr
