#pragma once

#include <string>

namespace simclr::cli {

/// Where a file of weights lies, as an absolute path: as given, or, for a bare name that is not
/// here (resnet18-f37072fd.pth), where PyTorch keeps what it downloads: $TORCH_HOME/hub/checkpoints,
/// else $XDG_CACHE_HOME/torch/hub/checkpoints, else ~/.cache/torch/hub/checkpoints.
/// @throws Error(kUsage) if it is in neither place
std::string find_weights(const std::string& name);

}  // namespace simclr::cli
