#include "simclr/train/run_parts.h"

namespace simclr {

SimclrModel make_model(const Settings& settings, const DataSplits& data) {
  if (settings.train.objective == Objective::kContrastive) {
    return SimclrModel::contrastive(settings.model, settings.train.seed);
  }
  return SimclrModel::supervised(settings.model, static_cast<std::int64_t>(data.class_names.size()),
                                 settings.train.seed);
}

std::vector<OptimizedParameter> optimized_parameters(const SimclrModel& model) {
  std::vector<OptimizedParameter> parameters;
  for (const auto& [name, tensor] : model.parameters()) parameters.push_back({name, tensor});
  return parameters;
}

bool needs_labels(const Settings& settings) {
  return settings.train.objective == Objective::kSupervised ||
         settings.loss.kind == LossKind::kSupCon;
}

std::shared_ptr<const Dataset> training_images(const DataSplits& data, const Settings& settings) {
  if (!needs_labels(settings) && data.pretrain) return data.pretrain;
  return data.train;
}

BatchPlan training_plan(const Settings& settings, int side, std::int64_t epoch,
                        std::int64_t first_batch) {
  const bool contrastive = settings.train.objective == Objective::kContrastive;
  return {.kind = contrastive ? ViewKind::kTwoRandom : ViewKind::kOneRandom,
          .augment = settings.augment,
          .batch_size = settings.train.batch_size,
          .side = side,
          .shuffle = true,
          .drop_last = true,
          .seed = settings.train.seed,
          .purpose = Purpose::kView,
          .epoch = static_cast<std::uint32_t>(epoch),
          .first_batch = first_batch};
}

BatchPlan validation_plan(const Settings& settings, int side) {
  const bool contrastive = settings.train.objective == Objective::kContrastive;
  return {.kind = contrastive ? ViewKind::kTwoRandom : ViewKind::kWholeImage,
          .augment = settings.augment,
          .batch_size = settings.train.batch_size,
          .side = side,
          .seed = settings.train.seed,
          .purpose = Purpose::kValidationView};
}

Criterion criterion_of(const Settings& settings, Precision precision) {
  return {.objective = settings.train.objective,
          .loss = settings.loss,
          .bn = settings.model.bn,
          .micro_batch = settings.train.micro_batch,
          .precision = precision,
          .report_gradient_norm = settings.monitor.gradient};
}

}  // namespace simclr
