#pragma once

#include <filesystem>

namespace simclr {

/// Where fetched sets are kept, and decoded pictures unless data.cache says otherwise:
/// $SIMCLR_HOME, else $XDG_CACHE_HOME/simclr, else ~/.cache/simclr. Not made here.
/// @throws Error(kUsage) if none of the three is set
std::filesystem::path cache_folder();

}  // namespace simclr
