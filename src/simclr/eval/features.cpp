#include "simclr/eval/features.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <chrono>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/train/step.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr std::int64_t kBatchSize = 500;

}  // namespace

Features extract_features(SimclrModel& model, const std::shared_ptr<const Dataset>& dataset,
                          const BatchPlan& plan, std::int64_t workers, const std::string& task,
                          EventSink& sink) {
  using Clock = std::chrono::steady_clock;
  const c10::NoGradGuard no_gradient;
  model.set_training(false);
  const c10::Device device = model.parameters().front().tensor.device();
  const auto total = static_cast<std::int64_t>(dataset->size());

  std::vector<at::Tensor> features{at::empty({0, model.feature_width()}, at::kFloat)};
  std::vector<std::int64_t> labels;
  BatchLoader loader(dataset, plan, workers);
  const auto start = Clock::now();
  while (auto batch = loader.next()) {
    features.push_back(model.encode(views_tensor(*batch, plan.side, device)).to(at::kCPU));
    labels.insert(labels.end(), batch->labels.begin(), batch->labels.end());
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const auto done = static_cast<std::int64_t>(labels.size());
    sink.progress(task, done, total,
                  fmt::format("{:.0f} images/s", static_cast<double>(done) / seconds));
  }
  return {at::cat(features), at::tensor(labels, at::kLong)};
}

FeatureSplits extract_splits(SimclrModel& model, const DataSplits& data,
                             Normalization normalization, std::int64_t workers,
                             const std::string& what, EventSink& sink) {
  BatchPlan plan;
  plan.kind = ViewKind::kWholeImage;
  plan.augment.normalization = normalization;
  plan.batch_size = kBatchSize;
  plan.side = data.image_size;

  const auto features_of = [&](const std::shared_ptr<const Dataset>& part, const char* name) {
    return extract_features(model, part, plan, workers, fmt::format("{}, {} images", what, name),
                            sink);
  };
  const std::string before = encoder_sha256(model);
  FeatureSplits splits{features_of(data.train, "training"),
                       features_of(data.validation, "validation"), features_of(data.test, "test")};
  const std::string after = encoder_sha256(model);
  if (before != after) {
    throw Error(ExitCode::kFailed,
                fmt::format("{}: the encoder changed while its features were taken (SHA-256 {} "
                            "before, {} after)",
                            what, before, after),
                "Features of a moving encoder say nothing about it; use a dataset and an encoder "
                "that leave its weights alone.");
  }
  return splits;
}

}  // namespace simclr
