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
  int side = 0;            ///< of the views; 0: the first image's height
  int scale = 0;           ///< picture pixels per image pixel and side; 0: what fits (sheet.h)
};

/// Writes a PNG of what training sees: a row per image, the original first, set apart, then its
/// views without normalisation. Rows take the first image of each class in turn, then the second,
/// ...; without labels the first images. At the left stands the class, or "#12": the position. If
/// there is a second pipeline, every second view is made by it and the headings say so. An original
/// that is not square is shown whole, in its own ratio.
/// @return the class of each row, from the top ("" if unlabelled)
/// @throws Error(kFailed) if the picture cannot be written
std::vector<std::string> write_preview(const Dataset& images,
                                       const std::vector<std::string>& class_names,
                                       const AugmentSettings& augment,
                                       const PreviewOptions& options,
                                       const std::filesystem::path& path);

/// Writes a PNG of what each operation does to the first image: a row per operation, alone, with
/// probability 1 and the parameters it has in augment.pipeline, else its defaults; then a row per
/// named pipeline. @throws as write_preview
void write_operations(const Dataset& images, const AugmentSettings& augment,
                      const PreviewOptions& options, const std::filesystem::path& path);

}  // namespace simclr
