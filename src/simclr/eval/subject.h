#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/data/open.h"
#include "simclr/eval/features.h"
#include "simclr/eval/finetune.h"
#include "simclr/model/simclr_model.h"

namespace simclr {

enum class EncoderKind { kRandom, kPixels, kTrained };
template <>
struct EnumNames<EncoderKind> {
  static constexpr EnumTable<EncoderKind, 3> table{{{EncoderKind::kRandom, "random"},
                                                    {EncoderKind::kPixels, "pixels"},
                                                    {EncoderKind::kTrained, "trained"}}};
};

/// The part of the training images whose labels are used.
struct LabelledImages {
  std::shared_ptr<const Subset> images;
  at::Tensor positions;  ///< i64, in DataSplits::train
  std::string sha256;    ///< of the positions: equal means the same images
};
LabelledImages labelled_images(const DataSplits& data, double share, std::uint64_t seed);

/// An encoder that is scored, and what has been computed with it. Neither it nor its features
/// change; check_unmoved sees to that.
class Subject {
 public:
  Subject(EncoderKind kind, std::optional<SimclrModel> model, std::int64_t epoch);

  EncoderKind kind() const { return kind_; }
  std::int64_t epoch() const { return epoch_; }  ///< of the checkpoint; 0: not trained
  const std::string& sha256() const { return sha256_; }
  const std::optional<SimclrModel>& model() const { return model_; }
  std::string title() const;  ///< "trained encoder", "raw pixels"
  /// "frozen encoder, batch norm in eval mode, features", "raw pixels at 32 x 32"
  std::string words(const Settings& settings, const DataSplits& data) const;

  /// Of whole images of all parts, computed at the first call.
  const FeatureSplits& features(const Settings& settings, const DataSplits& data, EventSink& sink);

  /// What a classifier on frozen vectors learns from: those of crops and flips drawn anew for every
  /// epoch, or always those of the whole images (`views` kNone). Lives no longer than this and the
  /// arguments.
  FrozenData frozen_data(const Settings& settings, const DataSplits& data, FinetuneViews views,
                         const LabelledImages& labelled, std::uint64_t seed, EventSink& sink);

  /// @throws Error(kFailed) if the encoder's SHA-256 is not what it was when it was made
  void check_unmoved(const std::string& protocol) const;

 private:
  Embedding embedding(const Settings& settings, const DataSplits& data);

  EncoderKind kind_;
  std::optional<SimclrModel> model_;  ///< none: raw pixels
  std::int64_t epoch_;
  std::string sha256_;
  std::optional<FeatureSplits> features_;
};

}  // namespace simclr
