#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "simclr/config/settings.h"
#include "simclr/data/open.h"
#include "simclr/train/run_folder.h"

namespace simclr {

/// Writes down which images a new run is trained on: training_images.npy (i64 [n], see
/// data/image_keys.h), and images.json: the side of the views, and of every part how many images
/// there are, and their SHA-256.
/// @throws Error(kData) if a run that is resumed was begun with others
void keep_training_images(const RunFolder& run, const DataSplits& data, const Settings& settings,
                          bool resume);

/// The side of the views in pixels, as images.json has it; nothing if there is no such file.
/// @throws Error(kData) if it is damaged
std::optional<std::int64_t> recorded_side(const RunFolder& run);

/// How many of `images` the run was trained on; nothing if it does not say, as a run that was made
/// to keep the results of a file. @throws Error(kData) if its training_images.npy is damaged
std::optional<std::size_t> images_trained_on(const RunFolder& run, const Dataset& images);

}  // namespace simclr
