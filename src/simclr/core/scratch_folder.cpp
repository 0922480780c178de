#include "simclr/core/scratch_folder.h"

#include <cstdlib>
#include <system_error>

#include "simclr/core/error.h"

namespace simclr {

namespace fs = std::filesystem;

ScratchFolder::ScratchFolder(const std::string& purpose) {
  std::string name = (fs::temp_directory_path() / ("simclr-" + purpose + "-XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr)
    throw Error(ExitCode::kFailed, name + ": cannot be made", "Set TMPDIR to a folder with room.");
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace simclr
