#pragma once

#include <c10/core/Device.h>

#include <string>

#include "simclr/config/settings.h"

namespace simclr {

/// What a run computes in, and a word about it where that is not what was asked for.
struct ChosenPrecision {
  Precision precision = Precision::kF32;
  std::string note;
};

/// On CUDA what is asked for. On a CPU only LibTorch computes in less than f32, and seldom faster:
/// `--engine torch` does so, `auto` falls back to f32 with a note. @throws Error(kUsage) for
/// `--engine native`, which knows f32 alone
ChosenPrecision choose_precision(const Settings& settings, const c10::Device& device);

/// While it lives LibTorch's autocast computes matrix products and convolutions in `precision`.
class AutocastScope {
 public:
  AutocastScope(Precision precision, const c10::Device& device);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType device_;
  bool active_;
};

}  // namespace simclr
