#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/model/simclr_model.h"
#include "simclr/train/run_folder.h"

namespace simclr {

struct RunEncoderOptions {
  std::filesystem::path run;
  std::string checkpoint = "best";     ///< or "last"
  bool average = false;                ///< the average of the weights, which ema_decay keeps
  std::filesystem::path weights = {};  ///< this file's encoder instead of a checkpoint's
};

struct RunEncoder {
  SimclrModel model;  ///< on the device of the settings
  std::int64_t epoch = 0;
  std::string checkpoint;  ///< its path
};

/// The network of a run as a checkpoint has it; says how many tensors it found.
/// @param settings  the run's  @param classes  of its supervised head, if it has one
/// @throws Error(kUsage) if the folder is not a run or has no such checkpoint, Error(kData) if
/// weights do not match
RunEncoder load_run_encoder(const RunEncoderOptions& options, const Settings& settings,
                            EventSink& sink);

/// Makes a folder for scores of a file's encoder, as if a run had trained it: its config.yaml has
/// the settings with the file's architecture, width and stem, and its normalisation and size of
/// images where it says them. @throws Error as open_encoder() and RunFolder::create()
void create_run_of_weights(const RunEncoderOptions& options, Settings settings,
                           const std::string& command);

/// The side of the views that a run was trained on: data.image_size, or that of its own images.
/// @throws Error(kUsage) if neither can be found out
std::int64_t trained_side(const RunFolder& run, const Settings& settings, EventSink& sink);

}  // namespace simclr
