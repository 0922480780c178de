#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "simclr/config/schema.h"
#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/model/simclr_model.h"
#include "simclr/train/run_folder.h"

namespace simclr {

struct RunEncoderOptions {
  std::filesystem::path run;           ///< may be empty where `weights` is not
  std::string checkpoint = "best";     ///< or "last"
  bool average = false;                ///< the average of the weights, which ema_decay keeps
  std::filesystem::path weights = {};  ///< this file's encoder instead of a checkpoint's
  std::vector<std::string> allow_missing = {};  ///< of `weights`, as LoadOptions has it
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

/// The settings for an encoder from options.weights, for others to be laid over. Of a run that is
/// there: its own, with the normalisation and the size of images that the file says. Else what the
/// file was trained with as far as it says, save for how and where that ran (run.*, data.cache),
/// with its architecture, width and stem.
/// @param stem  of a file that does not say  @throws Error as TensorFile::read() and
/// describe_encoder() do
SettingsBuilder settings_of_weights(const RunEncoderOptions& options, std::optional<Stem> stem);

/// The side of the views that a run was trained on: data.image_size, what the run has written down,
/// or that of its own images.
/// @throws Error(kUsage) if neither can be found out
std::int64_t trained_side(const RunFolder& run, const Settings& settings, EventSink& sink);

}  // namespace simclr
