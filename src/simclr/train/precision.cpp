#include "simclr/train/precision.h"

#include <ATen/autocast_mode.h>
#include <fmt/format.h>

#include "simclr/core/error.h"

namespace simclr {

ChosenPrecision choose_precision(const Settings& settings, const c10::Device& device) {
  const Precision wanted = settings.run.precision;
  if (wanted == Precision::kF32 || device.is_cuda()) return {wanted, ""};
  const std::string_view name = name_of(wanted);
  if (settings.model.engine == EngineKind::kNative) {
    throw Error(ExitCode::kUsage,
                fmt::format("--precision {}: the native engine computes in f32", name),
                "Leave --precision out, or take --engine torch.");
  }
  if (settings.model.engine == EngineKind::kAuto) {
    return {Precision::kF32,
            fmt::format("Precision: f32, by the native engine, and not {}: on a CPU that gains "
                        "nothing (--engine torch takes it all the same).",
                        name)};
  }
  return {wanted, fmt::format("Precision: {} by LibTorch's autocast; on a CPU seldom faster than "
                              "f32.",
                              name)};
}

AutocastScope::AutocastScope(Precision precision, const c10::Device& device)
    : device_(device.type()), active_(precision != Precision::kF32) {
  if (!active_) return;
  at::autocast::set_autocast_dtype(device_,
                                   precision == Precision::kBf16 ? at::kBFloat16 : at::kHalf);
  at::autocast::set_autocast_enabled(device_, true);
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  at::autocast::set_autocast_enabled(device_, false);
  at::autocast::clear_cache();
}

}  // namespace simclr
