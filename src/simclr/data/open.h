#pragma once

#include <memory>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/data/dataset.h"

namespace simclr {

/// What a source holds before any selection.
struct DataSource {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> test;
  std::vector<std::string> class_names;
  int image_size = 0;  ///< side S in pixels
};

/// What a run uses. The test part is all of the source's test images of the kept classes; nothing
/// selects on it.
struct DataSplits {
  std::shared_ptr<const Subset>
      train;  ///< train_percent of the training images, less the validation part
  std::shared_ptr<const Subset> validation;  ///< validation_percent of the used training images
  std::shared_ptr<const Subset> test;
  std::vector<std::string> class_names;
  int image_size = 0;
};

/// Opens `shapes10`, or a CIFAR-10/100 binary folder or .tar.gz (which of the two is told by its
/// files).
/// @throws Error(kData) with file, size found and expected; Error(kUsage) if there is no such
/// source
DataSource open_source(const DataSettings& settings);

/// open_source, then subset_classes, train_percent and the validation split (see splits.h).
DataSplits open_data(const DataSettings& settings);

}  // namespace simclr
