#pragma once

#include <functional>
#include <memory>

#include "simclr/config/settings.h"
#include "simclr/data/open.h"
#include "simclr/eval/features.h"
#include "simclr/eval/training_curve.h"
#include "simclr/model/simclr_model.h"

namespace simclr {

/// The features of an epoch's training views: always the same where views do not change.
using EpochFeatures = std::function<Features(std::uint32_t epoch)>;

/// What a classifier on frozen features learns from and is scored on.
struct FrozenData {
  EpochFeatures train;
  Features validation;  ///< of whole images
  Features test;        ///< likewise
  std::int64_t classes = 0;
};

/// The seed's second stage with the encoder frozen: the head becomes Linear(F, classes), trained
/// with labels by Adam. Order and initial head are keyed by `seed`. Every epoch's head is kept, and
/// scored on the test part when the epoch is chosen. @throws Error(kDiverged) as finetune_whole
TrainingCurve finetune_frozen(const FrozenData& data, const FinetuneSettings& settings,
                              std::uint64_t seed, EventSink& sink);

/// Images and views of fine-tuning a whole network.
struct WholeData {
  std::shared_ptr<const Dataset> train;  ///< the images whose labels are used
  std::shared_ptr<const Dataset> validation;
  std::shared_ptr<const Dataset> test;
  AugmentSettings augment;  ///< of crop-flip views
  int side = 0;             ///< S
  std::int64_t classes = 0;
};

/// Trains encoder and head with labels by Adam, batch norm by batch statistics; scored in eval mode
/// on whole images. What the network says about the test images is kept of every epoch and compared
/// with their labels when the epoch is chosen. Order and views are keyed by `seed`.
/// @param model    SimclrModel::supervised, from scratch or with a pretrained encoder
/// @param workers  of the loader
/// @throws Error(kDiverged) if the loss is not finite
TrainingCurve finetune_whole(SimclrModel& model, const WholeData& data,
                             const FinetuneSettings& settings, std::uint64_t seed,
                             std::int64_t workers, EventSink& sink);

/// @throws Error(kDiverged) naming the epoch (0-based) if the loss is not finite
void check_finite(double loss, std::uint32_t epoch);

/// The views that `auto` stands for: none with a frozen encoder, else crop-flip.
FinetuneViews views_of(const FinetuneSettings& settings);

/// The images whose labels are used: a share of every class, at least one, keyed by `seed` alone.
/// @return positions in `train`, ascending
std::vector<std::int64_t> labelled_positions(const Subset& train, double share, std::uint64_t seed);

}  // namespace simclr
