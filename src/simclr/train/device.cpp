#include "simclr/train/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <thread>

#include "simclr/core/error.h"

namespace simclr {

c10::Device prepare_device(const RunSettings& settings) {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  at::set_num_threads(settings.threads > 0 ? static_cast<int>(settings.threads)
                                           : std::max(cores, 1));
  const bool cuda = at::globalContext().hasCUDA();
  if (settings.device == DeviceKind::kCuda && !cuda) {
    throw Error(
        ExitCode::kUsage, "--device cuda: LibTorch finds no CUDA device",
        "Use --device cpu, or build with a CUDA wheel of LibTorch on a machine with a GPU.");
  }
  return {cuda && settings.device != DeviceKind::kCpu ? at::kCUDA : at::kCPU};
}

}  // namespace simclr
