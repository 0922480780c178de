#pragma once

#include <optional>
#include <string>

#include "simclr/report/plot.h"
#include "simclr/report/run_records.h"

// What run reports and study reports draw and write alike.
namespace simclr {

inline constexpr const char* kNoGnuplot = "gnuplot is not installed: no pictures.";

/// A column of the run's metrics over its epochs.
Curve epoch_curve(const RunRecords& records, const std::string& label, double EpochMetrics::*column,
                  int color, Stroke stroke);

/// Test accuracy over the epochs of fine-tuning.
Curve test_curve(const ResultRecord& result, const std::string& label, int color);

/// The contrastive loss when all projections are equal: ln(2N - 1) for N images per batch; DCL's is
/// ln(2N - 2).
double chance_loss(const RunRecords& records);

/// chance_loss as a line over the run's epochs.
Curve chance_line(const RunRecords& records);

/// Markdown that shows plots/`name`.png and links to the .svg.
std::string picture_link(const std::string& title, const std::string& name);

/// A share as per cent with two decimals; "–" if there is none.
std::string percent_text(const std::optional<double>& share);

}  // namespace simclr
