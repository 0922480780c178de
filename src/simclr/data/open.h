#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/data/dataset.h"
#include "simclr/data/image_cache.h"

namespace simclr {

/// What a source holds before any selection, save that a labelled source without a test part has
/// test_percent of every class set aside, keyed by split_seed.
struct DataSource {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> test;                   ///< empty where there is none
  std::vector<std::string> class_names;                  ///< empty: unlabelled
  int image_size = 0;                                    ///< side S of the views in pixels
  std::shared_ptr<const Dataset> unlabelled = nullptr;   ///< for contrastive pretraining only
  std::size_t files = 0;                                 ///< pictures looked at; 0 for a set
  std::vector<SkippedFile> skipped = {};                 ///< those that were left out
  std::shared_ptr<const ImageCache> pictures = nullptr;  ///< all parts together, where files
};

/// What a run uses. The test part is all of the source's test images of the kept classes; nothing
/// selects on it. Without labels it is empty. Indices count images as the source has them: pictures
/// all together by name, other sets part by part.
struct DataSplits {
  std::shared_ptr<const Subset>
      train;  ///< train_percent of the training images, less the validation part
  std::shared_ptr<const Subset> validation;  ///< validation_percent of the used training images
  std::shared_ptr<const Subset> test;
  std::vector<std::string> class_names;
  int image_size = 0;
  std::shared_ptr<const Dataset> pretrain = nullptr;  ///< train, then what is unlabelled
  std::size_t files = 0;
  std::vector<SkippedFile> skipped = {};
};

/// Opens what settings.source names: shapes10; cifar10, cifar100 and stl10 once they have been
/// fetched; a folder, archive or list of pictures; CIFAR-10/100 (binary or pickled) or STL-10; an
/// .npy file u8 [n, h, w, 3] or [n, h, w], or the folder of images.npy, with labels.npy beside it.
/// Which of them a path is, its files tell (source_kind.h). With settings.labels none, all are
/// without labels.
/// @param read_again  decode pictures even if the cache has them
/// @throws Error(kData) with file and reason; Error(kUsage) if there is no such source
DataSource open_source(const DataSettings& settings, EventSink& sink, bool read_again = false);
DataSource open_source(const DataSettings& settings);

/// open_source, then subset_classes, train_percent and the validation split (see splits.h).
/// @throws as open_source; Error(kUsage) if the settings leave no training or validation images
DataSplits open_data(const DataSettings& settings, EventSink& sink);
DataSplits open_data(const DataSettings& settings);

/// @throws Error(kUsage), saying that `who` needs labels and how to give some, if there are none;
///         or that there are no test images
void require_labels(const DataSplits& data, std::string_view who);

}  // namespace simclr
