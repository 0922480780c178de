#include "simclr/weights/encoder_features.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "simclr/loader/batch_loader.h"

namespace simclr {
namespace {

constexpr std::int64_t kBatchSize = 250;

int side_for(const EncoderInfo& info, const Dataset& images) {
  if (info.image_size > 0) return static_cast<int>(info.image_size);
  if (images.size() == 0) return 1;
  const Image first = images.get(0);
  return std::min(first.height, first.width);
}

}  // namespace

at::Tensor features_of(OpenedEncoder& encoder, const std::shared_ptr<const Dataset>& images,
                       std::int64_t workers) {
  const c10::NoGradGuard no_grad;
  encoder.model.set_training(false);
  BatchPlan plan;
  plan.kind = ViewKind::kWholeImage;
  plan.augment.normalization = encoder.info.normalization.value_or(Normalization::kNone);
  plan.batch_size = kBatchSize;
  plan.side = side_for(encoder.info, *images);
  std::vector<at::Tensor> features{at::empty({0, encoder.model.feature_width()}, at::kFloat)};
  BatchLoader loader(images, plan, workers);
  while (auto batch = loader.next()) {
    const at::Tensor views =
        at::from_blob(batch->views.data(), {batch->images, plan.side, plan.side, 3}, at::kFloat)
            .permute({0, 3, 1, 2});
    features.push_back(encoder.model.encode(views));
  }
  return at::cat(features);
}

}  // namespace simclr
