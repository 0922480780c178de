#pragma once

#include <filesystem>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/data/open.h"
#include "simclr/model/simclr_model.h"

namespace simclr {

/// Writes what a report draws of an encoder, as JSON (report/run_pictures.h reads it):
///   embedding   the first two principal components of up to 2,000 test images' unit features
///   neighbours  for a test image of each class the most similar other test images
///   confusion   test images by class and by the class that a training image's vote gives (kNN)
///   filters     the weights of the first layer
/// Without labels or test images: of the validation images, and no confusion.
void write_picture_data(const std::filesystem::path& file, SimclrModel& model,
                        const DataSplits& data, const Settings& settings);

/// The same for a run's checkpoint "best", as its pictures.json.
/// @throws Error(kUsage) if it is not a run or has no checkpoint
void write_picture_data(const std::filesystem::path& run, EventSink& sink);

}  // namespace simclr
