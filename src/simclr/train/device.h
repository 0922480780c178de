#pragma once

#include <c10/core/Device.h>

#include "simclr/config/settings.h"

namespace simclr {

/// Sets LibTorch's number of threads and picks the device. @throws Error(kUsage) if CUDA is asked
/// for and not there
c10::Device prepare_device(const RunSettings& settings);

}  // namespace simclr
