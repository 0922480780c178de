#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/random.h"
#include "simclr/data/dataset.h"

namespace simclr {

/// One batch. With two views, rows i and i + N of `views` are views of image i.
struct Batch {
  std::int64_t images = 0;           ///< N
  std::vector<float> views;          ///< f32 [views per image * N, S, S, 3]
  std::vector<std::int64_t> labels;  ///< [N]
};

enum class ViewKind {
  kTwoRandom,   ///< two augmented views per image (contrastive)
  kOneRandom,   ///< one augmented view per image (supervised)
  kWholeImage,  ///< the image as it is, normalised (features, tests)
};

/// How batches are made. Everything that decides their content; the number of workers does not.
struct BatchPlan {
  ViewKind kind = ViewKind::kTwoRandom;
  AugmentSettings augment;
  std::int64_t batch_size = 256;
  int side = 32;           ///< S of the views
  bool shuffle = false;    ///< order keyed by (seed, kShuffle, epoch)
  bool drop_last = false;  ///< leave out a last batch of fewer than batch_size images
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::kView;  ///< kView, or kValidationView
  std::uint32_t epoch = 0;           ///< validation keeps 0: the same views every epoch
  std::int64_t first_batch = 0;      ///< where to start within the epoch (resume)
};

/// Batches of one epoch, prepared ahead by `workers` threads (0: in the caller's own). The view v
/// of the image at dataset index i is drawn from RandomKey{seed, purpose, epoch, i, v}, so that the
/// same plan gives the same bits for any number of workers. At most 2 * workers batches are
/// prepared or in preparation. For one calling thread.
class BatchLoader {
 public:
  /// @throws Error(kUsage) if batch_size or side is below 1, or first_batch or workers below 0
  BatchLoader(std::shared_ptr<const Dataset> dataset, BatchPlan plan, std::int64_t workers);
  ~BatchLoader();  ///< stops the workers, also in the middle of an epoch
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  std::int64_t batches() const;  ///< of the whole epoch, first_batch not deducted

  /// The next batch, nullopt after the last. What a dataset throws comes out in place of the batch
  /// it spoiled, after those before it, and again on every later call.
  std::optional<Batch> next();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Batches in one epoch of n images. @throws Error(kUsage) if batch_size is below 1
std::int64_t batches_per_epoch(std::size_t images, std::int64_t batch_size, bool drop_last);

}  // namespace simclr
