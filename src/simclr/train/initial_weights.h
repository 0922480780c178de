#pragma once

#include "simclr/core/events.h"
#include "simclr/model/simclr_model.h"
#include "simclr/train/pretrain.h"

namespace simclr {

/// Puts the encoder of options.init into a new model, which keeps its head; nothing if no
/// file is named. Says what was loaded, and the file's SHA-256. @throws Error as load_encoder()
void load_initial_weights(SimclrModel& model, const PretrainOptions& options, EventSink& sink);

}  // namespace simclr
