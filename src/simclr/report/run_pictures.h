#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "simclr/report/document.h"
#include "simclr/report/run_records.h"

namespace simclr {

/// The pictures of a run's encoder from its pictures.json (study/picture_data.h): embedding,
/// neighbours, confusion matrix, first-layer filters. PNG files are written to `folder`/plots with
/// `prefix` before their names. Nothing if there is no such file; without its pixels where the
/// images are gone.
/// @throws Error(kData) if the file is damaged
std::vector<Block> run_pictures(const RunRecords& records, const std::filesystem::path& run,
                                const std::filesystem::path& folder, const std::string& prefix);

}  // namespace simclr
