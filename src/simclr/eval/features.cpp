#include "simclr/eval/features.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "simclr/core/error.h"
#include "simclr/core/stopwatch.h"
#include "simclr/train/step.h"

namespace simclr {
namespace {

constexpr std::int64_t kBatchSize = 500;

}  // namespace

BatchPlan whole_images(const Embedding& embedding, Normalization normalization) {
  BatchPlan plan;
  plan.kind = ViewKind::kWholeImage;
  plan.augment.normalization = normalization;
  plan.batch_size = kBatchSize;
  plan.side = embedding.side;
  return plan;
}

Features extract_features(const Embedding& embedding, const std::shared_ptr<const Dataset>& dataset,
                          const BatchPlan& plan, std::int64_t workers, const std::string& task,
                          EventSink& sink) {
  const c10::NoGradGuard no_gradient;
  const auto total = static_cast<std::int64_t>(dataset->size());
  Features features{at::empty({total, embedding.width}, at::kFloat), at::empty({total}, at::kLong)};
  BatchLoader loader(dataset, plan, workers);
  const Stopwatch watch;
  std::int64_t done = 0;
  while (auto batch = loader.next()) {
    const at::Tensor views = views_tensor(*batch, plan.side, embedding.device);
    features.x.narrow(0, done, batch->images).copy_(embedding.vectors_of(views));
    std::copy(batch->labels.begin(), batch->labels.end(),
              features.labels.data_ptr<std::int64_t>() + done);
    done += batch->images;
    const double seconds = watch.seconds();
    sink.progress(task, done, total,
                  fmt::format("{:.0f} images/s", static_cast<double>(done) / seconds));
  }
  return features;
}

Features extract_features(SimclrModel& model, const std::shared_ptr<const Dataset>& dataset,
                          const BatchPlan& plan, std::int64_t workers, const std::string& task,
                          EventSink& sink) {
  return extract_features(embedding_of(model, ScoredVectors::kFeatures, plan.side, task), dataset,
                          plan, workers, task, sink);
}

FeatureSplits extract_splits(const Embedding& embedding, const DataSplits& data,
                             Normalization normalization, std::int64_t workers, EventSink& sink) {
  const BatchPlan plan = whole_images(embedding, normalization);
  const auto features_of = [&](const std::shared_ptr<const Dataset>& part, const char* name) {
    return extract_features(embedding, part, plan, workers,
                            fmt::format("{}, {} images", embedding.name, name), sink);
  };
  const std::string before = embedding.fingerprint();
  FeatureSplits splits{features_of(data.train, "training"),
                       features_of(data.validation, "validation"), features_of(data.test, "test")};
  const std::string after = embedding.fingerprint();
  if (before != after) {
    throw Error(ExitCode::kFailed,
                fmt::format("{}: the encoder changed while its features were taken (SHA-256 {} "
                            "before, {} after)",
                            embedding.name, before, after),
                "Features of a moving encoder say nothing about it; use a dataset and an encoder "
                "that leave its weights alone.");
  }
  return splits;
}

}  // namespace simclr
