#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/data/dataset.h"

namespace simclr {

struct PreviewOptions {
  int images = 8;          ///< rows, at least 1; fewer if the dataset is smaller
  int views = 8;           ///< per image, at least 0
  std::uint64_t seed = 0;  ///< key of the draws
  int scale = 3;           ///< picture pixels per image pixel and side, at least 1
};

/// Writes a PNG of what training sees: a row per image, the original first, set apart, then its
/// views without normalisation. Rows take the first image of each class in turn, then the second,
/// ...; without labels the first images.
/// @return the class of each row, from the top ("" if unlabelled)
/// @throws Error(kFailed) if the picture cannot be written
std::vector<std::string> write_preview(const Dataset& images,
                                       const std::vector<std::string>& class_names,
                                       const AugmentSettings& augment,
                                       const PreviewOptions& options,
                                       const std::filesystem::path& path);

}  // namespace simclr
