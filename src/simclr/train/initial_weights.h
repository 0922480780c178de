#pragma once

#include <string>

#include "simclr/model/simclr_model.h"
#include "simclr/train/pretrain.h"
#include "simclr/train/run_folder.h"

namespace simclr {

/// What a run's encoder is at first.
struct InitialWeights {
  std::string source = "random weights";  ///< for init.txt; or a file, and its encoder's SHA-256
  std::string sha256;                     ///< of the encoder; "" where it is random
  std::string note;                       ///< lines on what was loaded; "" where it is random
};

/// Puts the encoder of options.init into a new model, which keeps its head; nothing if no
/// file is named. @throws Error as load_encoder()
InitialWeights load_initial_weights(SimclrModel& model, const PretrainOptions& options);

/// @param given  what the run is resumed with  @param begun  whether it has a checkpoint
/// @throws Error(kUsage) if the run was started from another encoder; or if it was started from a
/// file, has no checkpoint yet, and none is given: it would start anew from random weights
void check_initial_weights(const RunFolder& run, const InitialWeights& given, bool begun);

}  // namespace simclr
