#pragma once

#include <memory>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/data/open.h"
#include "simclr/model/simclr_model.h"
#include "simclr/study/study_file.h"

namespace simclr {

/// What makes arms of different temperatures and batch sizes comparable: the same views, the same
/// N, the same temperature.
struct CommonMeasure {
  double loss = 0.0;          ///< NT-Xent of the projections; chance is ln(2N - 1)
  double top1 = 0.0;          ///< share of views whose other view is nearest among 2N - 1
  double feature_top1 = 0.0;  ///< likewise of the features h, before the head
};

/// The views by which a trial is measured: the base's pipeline, pixels normalised as the trial's
/// own network was trained on them.
AugmentSettings measure_augment(const AugmentSettings& base, const AugmentSettings& trial);

/// Over whole batches of N validation images, as many as there are; the views are of `augment` and
/// keyed by `seed` alone. The model is left in eval mode.
/// @throws Error(kUsage) if there are fewer than N validation images
CommonMeasure common_measure(SimclrModel& model, const DataSplits& data,
                             const AugmentSettings& augment, const CommonMeasureSpec& spec,
                             std::uint64_t seed, std::int64_t workers);

/// `{"trained": {...}, "initial": {...}}`, with N, temperature and number of images.
std::string measure_json(const CommonMeasure& trained, const CommonMeasure& initial,
                         const CommonMeasureSpec& spec, std::size_t images);

}  // namespace simclr
