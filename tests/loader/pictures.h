#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "simclr/core/random.h"
#include "simclr/loader/batch_loader.h"

namespace simclr {

constexpr int kImageSide = 8;
constexpr std::int64_t kWorkerCounts[] = {0, 1, 3};

/// Random images (they repeat after kDistinct) labelled with their index; `on_get` sees every
/// request first.
class Pictures final : public Dataset {
 public:
  explicit Pictures(std::size_t n, std::function<void(std::size_t)> on_get = nullptr)
      : pixels_(std::min(n, kDistinct) * kImageBytes), n_(n), on_get_(std::move(on_get)) {
    Random random(RandomKey{.seed = 31});
    for (std::uint8_t& value : pixels_) value = static_cast<std::uint8_t>(random.below(256));
  }

  std::size_t size() const override { return n_; }

  Image get(std::size_t index) const override {
    if (on_get_) on_get_(index);
    return {std::span(pixels_).subspan(index % kDistinct * kImageBytes, kImageBytes), kImageSide,
            kImageSide, static_cast<std::int32_t>(index)};
  }

 private:
  static constexpr std::size_t kDistinct = 512;
  static constexpr std::size_t kImageBytes = std::size_t{kImageSide} * kImageSide * 3;
  std::vector<std::uint8_t> pixels_;
  std::size_t n_;
  std::function<void(std::size_t)> on_get_;
};

inline BatchPlan small_plan() {
  BatchPlan plan;
  plan.batch_size = 4;
  plan.side = 6;
  plan.shuffle = true;
  plan.seed = 77;
  plan.epoch = 3;
  return plan;
}

inline std::vector<Batch> all_batches(const std::shared_ptr<const Dataset>& dataset,
                                      const BatchPlan& plan, std::int64_t workers) {
  BatchLoader loader(dataset, plan, workers);
  std::vector<Batch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

inline std::vector<std::int64_t> labels_of(const std::vector<Batch>& batches) {
  std::vector<std::int64_t> labels;
  for (const Batch& batch : batches)
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  return labels;
}

}  // namespace simclr
