#pragma once

#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/data/open.h"
#include "simclr/model/simclr_model.h"

namespace simclr {

/// The lines that a run begins with: the network, what computes it and the memory it has set aside,
/// the optimizer with its peak rate as a number, images, steps, the number of negatives of each
/// view, and settings without effect.
/// @param images  that it learns from
std::vector<std::string> announcement(const Settings& settings, const DataSplits& data,
                                      const SimclrModel& model, std::size_t images);

/// What going on with another number of epochs does to the rate of the next step.
/// @param step  0-based, over the whole run
std::string extension_note(const Settings& settings, std::int64_t planned_epochs,
                           std::int64_t steps_per_epoch, std::int64_t step);

}  // namespace simclr
