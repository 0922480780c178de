#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/data/open.h"
#include "simclr/loader/batch_loader.h"
#include "simclr/model/simclr_model.h"
#include "simclr/optim/optimizer.h"
#include "simclr/train/step.h"

// What a run is put together from, by its settings.
namespace simclr {

/// The network of a run with its initial weights: with a projection head, or a classifier where the
/// objective is supervised.
SimclrModel make_model(const Settings& settings, const DataSplits& data);

/// Parameters by name, as optimizers take them.
std::vector<OptimizedParameter> optimized_parameters(const SimclrModel& model);

/// Whether a run cannot do without labels: the supervised objective, and the supcon loss.
bool needs_labels(const Settings& settings);

/// What a run learns from: where it needs labels the training images, else what is unlabelled, too.
std::shared_ptr<const Dataset> training_images(const DataSplits& data, const Settings& settings);

/// Batches of one epoch (0-based), from its `first_batch` on.
BatchPlan training_plan(const Settings& settings, int side, std::int64_t epoch,
                        std::int64_t first_batch);
/// The validation part, the same views each time.
BatchPlan validation_plan(const Settings& settings, int side);

/// @param precision  as choose_precision has it
Criterion criterion_of(const Settings& settings, Precision precision);

}  // namespace simclr
