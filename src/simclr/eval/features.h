#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/data/open.h"
#include "simclr/loader/batch_loader.h"
#include "simclr/model/simclr_model.h"

namespace simclr {

struct Features {
  at::Tensor x;       ///< f32 [n, F], on the CPU
  at::Tensor labels;  ///< i64 [n]
};

struct FeatureSplits {
  Features train;
  Features validation;
  Features test;
};

/// Features of a plan's views (one view per image) by the encoder in eval mode, without gradients,
/// in the plan's order. The model is left in eval mode.
Features extract_features(SimclrModel& model, const std::shared_ptr<const Dataset>& dataset,
                          const BatchPlan& plan, std::int64_t workers, const std::string& task,
                          EventSink& sink);

/// extract_features of all three parts: whole, normalised images, every one, in order. `what` names
/// the encoder in progress ("trained encoder").
/// @throws Error(kFailed) if the encoder's SHA-256 differs before and after
FeatureSplits extract_splits(SimclrModel& model, const DataSplits& data,
                             Normalization normalization, std::int64_t workers,
                             const std::string& what, EventSink& sink);

}  // namespace simclr
