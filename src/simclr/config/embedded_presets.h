#pragma once

#include <string>
#include <vector>

namespace simclr::detail {

struct EmbeddedPreset {
  std::string name;
  std::string yaml;
};

/// configs/*.yaml as they were when the program was built (written by cmake/EmbedPresets.cmake).
const std::vector<EmbeddedPreset>& embedded_presets();

}  // namespace simclr::detail
