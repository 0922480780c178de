#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/settings_flags.h"
#include "simclr/eval/run_encoder.h"

namespace simclr::cli {

/// Where a file of weights lies, as an absolute path: as given, or, for a bare name that is not
/// here (resnet18-f37072fd.pth), where PyTorch keeps what it downloads:
/// $TORCH_HOME/hub/checkpoints, else $XDG_CACHE_HOME/torch/hub/checkpoints, else
/// ~/.cache/torch/hub/checkpoints.
/// @throws Error(kUsage) if it is in neither place
std::string find_weights(const std::string& name);

/// --weights and --stem of the commands that take an encoder from a file.
void add_weights_options(CLI::App& command, std::string& weights, std::string& stem);

/// The folder that --run names, made for options.weights if it is not there.
/// @param stem  as typed, or ""  @param line  the command, for the folder's command.txt
void make_run_of_weights(const RunEncoderOptions& options, const SettingsFlags& flags,
                         const std::string& stem, const std::string& line);

}  // namespace simclr::cli
