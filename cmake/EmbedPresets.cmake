# simclr_embed_presets(target): compiles configs/*.yaml but the studies into `target`, so that the program needs no file beside it.
function(simclr_embed_presets target)
  file(GLOB recipes CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/configs/*.yaml")
  list(FILTER recipes EXCLUDE REGEX "study[^/]*\\.yaml$")  # whole studies, not settings of one run
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recipes})
  set(rows "")
  foreach(recipe IN LISTS recipes)
    get_filename_component(name "${recipe}" NAME_WE)
    file(READ "${recipe}" text)
    string(APPEND rows "    {\"${name}\", R\"yaml(${text})yaml\"},\n")
  endforeach()
  set(source "${CMAKE_CURRENT_BINARY_DIR}/embedded_presets.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT [[
#include "simclr/config/embedded_presets.h"

namespace simclr::detail {
const std::vector<EmbeddedPreset>& embedded_presets() {
  static const std::vector<EmbeddedPreset> presets{
@rows@  };
  return presets;
}
}  // namespace simclr::detail
]] @ONLY)
  target_sources(${target} PRIVATE "${source}")
endfunction()
