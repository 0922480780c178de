#include "simclr/study/common_measure.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "simclr/core/error.h"
#include "simclr/loader/batch_loader.h"
#include "simclr/loss/nt_xent.h"
#include "simclr/train/step.h"

namespace simclr {

AugmentSettings measure_augment(const AugmentSettings& base, const AugmentSettings& trial) {
  AugmentSettings augment = base;
  augment.normalization = trial.normalization;
  return augment;
}

CommonMeasure common_measure(SimclrModel& model, const DataSplits& data,
                             const AugmentSettings& augment, const CommonMeasureSpec& spec,
                             std::uint64_t seed, std::int64_t workers) {
  if (static_cast<std::int64_t>(data.validation->size()) < spec.batch_size) {
    throw Error(ExitCode::kUsage,
                fmt::format("the common measure needs {} validation images, and there are {}",
                            spec.batch_size, data.validation->size()),
                "Lower measure.batch_size in the study file, or raise data.validation_percent.");
  }
  const c10::NoGradGuard no_gradient;
  model.set_training(false);
  const c10::Device device = model.parameters().front().tensor.device();
  BatchLoader loader(data.validation,
                     {.kind = ViewKind::kTwoRandom,
                      .augment = augment,
                      .batch_size = spec.batch_size,
                      .side = data.image_size,
                      .drop_last = true,
                      .seed = seed,
                      .purpose = Purpose::kValidationView},
                     workers);
  CommonMeasure sum;
  double batches = 0.0;
  while (auto batch = loader.next()) {
    const at::Tensor h = model.encode(views_tensor(*batch, data.image_size, device));
    const at::Tensor z = model.project(h);
    sum.loss += nt_xent(z, spec.temperature).item<double>();
    sum.top1 += contrastive_accuracy(z);
    sum.feature_top1 += contrastive_accuracy(h);
    batches += 1.0;
  }
  return {sum.loss / batches, sum.top1 / batches, sum.feature_top1 / batches};
}

std::string measure_json(const CommonMeasure& trained, const CommonMeasure& initial,
                         const CommonMeasureSpec& spec, std::size_t images) {
  using Json = nlohmann::ordered_json;
  const auto part = [](const CommonMeasure& m) {
    return Json{{"loss", m.loss}, {"top1", m.top1}, {"feature_top1", m.feature_top1}};
  };
  const auto n = static_cast<std::size_t>(spec.batch_size);
  return Json{{"batch_size", spec.batch_size},
              {"temperature", spec.temperature},
              {"images", images / n * n},
              {"trained", part(trained)},
              {"initial", part(initial)}}
             .dump() +
         "\n";
}

}  // namespace simclr
