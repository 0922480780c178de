#include "simclr/data/cache_folder.h"

#include <cstdlib>

#include "simclr/core/error.h"

namespace simclr {

std::filesystem::path cache_folder() {
  // An empty variable counts as one that is not set.
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  if (const auto home = variable("SIMCLR_HOME"); !home.empty()) return home;
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache / "simclr";
  if (const auto home = variable("HOME"); !home.empty()) return home / ".cache" / "simclr";
  throw Error(ExitCode::kUsage, "no cache folder: SIMCLR_HOME, XDG_CACHE_HOME and HOME are not set",
              "Set SIMCLR_HOME to a folder you may write to.");
}

}  // namespace simclr
