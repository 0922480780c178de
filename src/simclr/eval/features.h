#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "simclr/core/events.h"
#include "simclr/data/open.h"
#include "simclr/eval/embedding.h"
#include "simclr/loader/batch_loader.h"

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

/// The plan that takes every image whole, normalised, in order.
BatchPlan whole_images(const Embedding& embedding, Normalization normalization);

/// The embedding of a plan's views (one view per image), without gradients, in the plan's order.
/// Memory: the result, and the batches in preparation.
Features extract_features(const Embedding& embedding, const std::shared_ptr<const Dataset>& dataset,
                          const BatchPlan& plan, std::int64_t workers, const std::string& task,
                          EventSink& sink);

/// The features that a model's encoder gives of them.
Features extract_features(SimclrModel& model, const std::shared_ptr<const Dataset>& dataset,
                          const BatchPlan& plan, std::int64_t workers, const std::string& task,
                          EventSink& sink);

/// extract_features of whole images of all three parts.
/// @throws Error(kFailed) if the embedding's fingerprint differs before and after
FeatureSplits extract_splits(const Embedding& embedding, const DataSplits& data,
                             Normalization normalization, std::int64_t workers, EventSink& sink);

}  // namespace simclr
