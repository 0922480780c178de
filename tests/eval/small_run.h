#pragma once

#include <filesystem>

#include "simclr/train/pretrain.h"
#include "tests/support/small_network.h"

namespace simclr {

/// Settings under which a run takes seconds.
inline Settings small_run_settings() {
  Settings settings;
  settings.data.shapes_images = 120;
  settings.model = small_network();
  settings.train.epochs = 1;
  settings.train.batch_size = 16;
  settings.run.threads = 1;
  settings.finetune.epochs = 2;
  settings.finetune.batch_size = 16;
  settings.linear.epochs = 2;
  return settings;
}

/// A trained run in `out`.
inline void make_small_run(const std::filesystem::path& out, const Settings& settings) {
  NullSink silent;
  pretrain({.settings = settings, .out = out, .command = "test"}, silent);
}

}  // namespace simclr
