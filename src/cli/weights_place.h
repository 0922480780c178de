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

/// Which encoder a command takes: of a checkpoint of a run, or of a file.
struct EncoderFlags {
  RunEncoderOptions options;  ///< but for the run
  std::string weights;        ///< as typed
  std::string stem;           ///< as typed, or ""

  /// --checkpoint, --ema, --weights, --stem, --allow-missing
  void add_to(CLI::App& command);
};

/// An encoder's place and the settings that it is used with.
struct ChosenEncoder {
  RunEncoderOptions options;
  Settings settings;
};

/// The settings of a run with `flags` over them; with --weights those of the file (for a run that
/// is not there, which is then made; or for no run at all).
/// @param run  folder, or "" with --weights  @param line  the command, for a new command.txt
/// @throws Error(kUsage) if neither a run nor a file is named, or the file does not say what images
/// it is for and --data does not either
ChosenEncoder choose_encoder(const EncoderFlags& encoder, const std::filesystem::path& run,
                             const SettingsFlags& flags, const std::string& line);

}  // namespace simclr::cli
