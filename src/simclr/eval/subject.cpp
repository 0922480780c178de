#include "simclr/eval/subject.h"

#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <utility>

#include "simclr/augment/presets.h"
#include "simclr/core/error.h"
#include "simclr/core/sha256.h"
#include "simclr/weights/state.h"

namespace simclr {

LabelledImages labelled_images(const DataSplits& data, double share, std::uint64_t seed) {
  const std::vector<std::int64_t> positions = labelled_positions(*data.train, share, seed);
  std::vector<std::size_t> indices;
  for (const std::int64_t position : positions)
    indices.push_back(data.train->indices()[static_cast<std::size_t>(position)]);
  Sha256 sha256;
  sha256.update(indices.data(), indices.size() * sizeof(std::size_t));
  return {std::make_shared<Subset>(data.train->whole(), std::move(indices)),
          at::tensor(positions, at::kLong), sha256.hex_digest()};
}

Subject::Subject(EncoderKind kind, std::optional<SimclrModel> model, std::int64_t epoch)
    : kind_(kind),
      model_(std::move(model)),
      epoch_(epoch),
      sha256_(model_ ? encoder_sha256(*model_) : "") {}

std::string Subject::title() const {
  return kind_ == EncoderKind::kPixels ? "raw pixels" : fmt::format("{} encoder", name_of(kind_));
}

std::string Subject::words(const Settings& settings, const DataSplits& data) const {
  if (kind_ == EncoderKind::kPixels) {
    const int side = raw_pixels(data.image_size).side;
    return fmt::format("raw pixels at {} x {}", side, side);
  }
  return fmt::format("frozen encoder, batch norm in eval mode, {}",
                     settings.eval.on == ScoredVectors::kFeatures ? "features before the head"
                                                                  : "projections after the head");
}

Embedding Subject::embedding(const Settings& settings, const DataSplits& data) {
  if (!model_) return raw_pixels(data.image_size);
  return embedding_of(*model_, settings.eval.on, data.image_size, title());
}

const FeatureSplits& Subject::features(const Settings& settings, const DataSplits& data,
                                       EventSink& sink) {
  if (!features_) {
    features_ = extract_splits(embedding(settings, data), data, settings.augment.normalization,
                               settings.run.workers, sink);
  }
  return *features_;
}

FrozenData Subject::frozen_data(const Settings& settings, const DataSplits& data,
                                FinetuneViews views, const LabelledImages& labelled,
                                std::uint64_t seed, EventSink& sink) {
  const FeatureSplits& splits = features(settings, data, sink);
  FrozenData frozen{
      {}, splits.validation, splits.test, static_cast<std::int64_t>(data.class_names.size())};
  if (views == FinetuneViews::kNone) {
    const Features train{splits.train.x.index_select(0, labelled.positions),
                         splits.train.labels.index_select(0, labelled.positions)};
    frozen.train = [train](std::uint32_t) { return train; };
    return frozen;
  }
  frozen.train = [this, &settings, &data, &labelled, &sink, seed](std::uint32_t epoch) {
    const Embedding embedded = embedding(settings, data);
    const BatchPlan plan{.kind = ViewKind::kOneRandom,
                         .augment = crop_flip(settings.augment),
                         .side = embedded.side,
                         .seed = seed,
                         .epoch = epoch};
    return extract_features(embedded, labelled.images, plan, settings.run.workers,
                            fmt::format("{}, views of epoch {}", title(), epoch + 1), sink);
  };
  return frozen;
}

void Subject::check_unmoved(const std::string& protocol) const {
  const std::string now = model_ ? encoder_sha256(*model_) : "";
  if (now == sha256_) return;
  throw Error(ExitCode::kFailed,
              fmt::format("{}: the frozen encoder moved from {} to {}", protocol, sha256_, now),
              "Its result says nothing about the encoder that was asked about.");
}

}  // namespace simclr
