#pragma once

#include <cstdint>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/data/open.h"

namespace simclr {

/// What a run takes, in seconds.
struct RunCost {
  double epoch = 0.0;  ///< training, validation, monitors
  double start = 0.0;  ///< that measuring took already
};

/// Whole epochs that fit into so many seconds, a twentieth held back for what was not measured; at
/// least 1.
std::int64_t epochs_within(double seconds, const RunCost& cost);

/// Measures steps and validation of a run with these settings, on weights of its own, and says how
/// many epochs fit into train.time_budget. Takes some seconds. @throws as Trainer
std::int64_t measured_epochs(const Settings& settings, const DataSplits& data, EventSink& sink);

}  // namespace simclr
