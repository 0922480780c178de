#pragma once

#include <filesystem>
#include <string>

#include "simclr/core/files.h"
#include "simclr/formats/safetensors.h"
#include "simclr/train/pretrain.h"
#include "tests/support/small_network.h"

namespace simclr {

/// Seconds for three epochs of five steps, three validation batches each.
inline Settings tiny_settings() {
  Settings settings;
  settings.data.shapes_images = 100;
  settings.data.validation_percent = 0.3;
  settings.model = small_network();
  settings.train.epochs = 3;
  settings.train.batch_size = 14;
  settings.run.threads = 1;
  settings.run.workers = 0;
  return settings;
}

/// Keeps what is said.
class Listener final : public EventSink {
 public:
  void message(std::string_view line) override { said += std::string(line) + "\n"; }
  void progress(std::string_view, std::int64_t, std::int64_t, std::string_view) override {}
  std::string said;
};

inline PretrainResult train_run(const std::filesystem::path& out, const Settings& settings,
                                EventSink& sink, bool resume = false) {
  return pretrain({.settings = settings, .out = out, .command = "test", .resume = resume}, sink);
}

inline std::string checkpoint_bytes(const std::filesystem::path& run,
                                    const std::string& name = "last") {
  return read_file(run / "checkpoints" / (name + ".safetensors"));
}

}  // namespace simclr
