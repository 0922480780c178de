#pragma once

#include <filesystem>

#include "simclr/data/open.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/pretrain.h"

namespace simclr {

/// Refuses what cannot begin before the run's folder is touched, so that --overwrite costs no run:
/// no labels where some are needed, a batch too large for the images or too small for the loss or
/// batch norm, images too small for the network, initial weights that lie in the folder to be
/// replaced. @throws Error(kUsage)
void check_start(const PretrainOptions& options, const DataSplits& data);

/// Whether a run may go on from a checkpoint: the settings that it was trained with, which may have
/// been edited in config.yaml since, must be those of now, save what may_change_on_resume() and
/// where the data lie; and it must not have begun more epochs than are wanted. @throws
/// Error(kUsage)
/// @param state  of `checkpoint`, whose path is for messages
void check_goes_on(const std::filesystem::path& checkpoint, const TrainingState& state,
                   const Settings& settings);

}  // namespace simclr
