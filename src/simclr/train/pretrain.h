#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/formats/metrics.h"

namespace simclr {

struct PretrainOptions {
  Settings settings;
  std::filesystem::path out;                    ///< the run's folder
  std::string command;                          ///< how to repeat it, for command.txt
  bool overwrite = false;                       ///< replace a run that is there
  bool resume = false;                          ///< go on with the run that is there
  std::filesystem::path init = {};              ///< file whose encoder it starts from; "": random
  std::vector<std::string> allow_missing = {};  ///< of that encoder, as in LoadOptions
  std::function<bool()> stop = [] { return false; };  ///< asked after every step
};

struct PretrainResult {
  std::vector<EpochMetrics> epochs;  ///< those that metrics.jsonl has
  std::int64_t best_epoch = 0;       ///< 1-based, by validation loss
  bool interrupted = false;  ///< `stop` said so; everything is in checkpoints/last.safetensors
};

/// Trains into a run folder: SimCLR, or cross-entropy where the objective is supervised. The same
/// settings give the same bits, in one go or resumed, for any number of workers; LibTorch's sums
/// may differ with the number of threads. A run that was there is replaced only once the new one
/// can begin. One that is resumed has its initial weights in its checkpoint (`init` may be named
/// again, and is compared), and keeps the epochs that were chosen for its time budget.
/// @throws Error: kUsage (folder, sizes, device, settings or initial weights changed on resume),
///         kData, kDiverged (a loss or gradient is not finite: names step, rate and the last good
///         checkpoint), kFailed (disk)
PretrainResult pretrain(const PretrainOptions& options, EventSink& sink);

/// The settings that may differ when a run is resumed: they change how long and how fast, not what.
bool may_change_on_resume(const std::string& key);

}  // namespace simclr
