#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "simclr/config/schema.h"
#include "simclr/core/files.h"

namespace simclr {

/// Takes every program off the search path for as long as it lives.
class NoPrograms {
 public:
  explicit NoPrograms(const std::filesystem::path& empty_folder) : path_(std::getenv("PATH")) {
    ::setenv("PATH", empty_folder.c_str(), 1);
  }
  ~NoPrograms() { ::setenv("PATH", path_.c_str(), 1); }

 private:
  std::string path_;
};

inline std::string metrics_line(int epoch, double train_loss) {
  return fmt::format(
      R"({{"epoch":{},"epochs":4,"step":{},"objective":"contrastive","train_loss":{},)"
      R"("train_accuracy":0.125,"val_loss":{},"val_accuracy":0.25,"lr":0.001,)"
      R"("views_per_second":{},"epoch_seconds":30.0}})",
      epoch, 62 * epoch, train_loss, train_loss + 0.25, 260 + epoch);
}

inline std::string result_line(const std::string& protocol, const std::string& encoder,
                               double accuracy, const std::string& extra = "") {
  return fmt::format(
      R"({{"protocol":"{}","encoder":"{}","epoch":4,"test_accuracy":{},)"
      R"("validation_accuracy":0.5,"details":{{"k":200}},"protocol_text":"words of {}",)"
      R"("encoder_sha256":"0123456789abcdef","seed":0,"checkpoint":"best",)"
      R"("command":"simclr {} --run runs/a"{}}})",
      protocol, encoder, accuracy, protocol, protocol, extra);
}

/// A run of four epochs as the trainer and the evaluators leave it, without results.
inline void write_sample_run(const std::filesystem::path& run, Settings settings = {}) {
  settings.train.epochs = 4;
  std::filesystem::create_directories(run);
  write_file_atomically(run / "config.yaml", to_yaml(settings));
  write_file_atomically(run / "command.txt", "simclr pretrain --out runs/a\n");
  write_file_atomically(run / "environment.json",
                        R"({"simclr": "0.1.0", "cpu": "A <fast> one", "cores": 2})");
  std::string metrics;
  for (int epoch = 1; epoch <= 4; ++epoch) metrics += metrics_line(epoch, 2.0 + 4.0 / epoch) + "\n";
  write_file_atomically(run / "metrics.jsonl", metrics);
}

/// Both encoders under all three protocols; `gain` is what training adds.
inline void write_sample_results(const std::filesystem::path& run, double gain) {
  std::string lines;
  for (const char* protocol : {"knn", "linear"}) {
    lines += result_line(protocol, "random", 0.25) + "\n";
    lines += result_line(protocol, "trained", 0.25 + gain) + "\n";
  }
  lines += result_line("finetune", "random", 0.25, R"(,"test_curve":[0.125,0.25])") + "\n";
  lines += result_line("finetune", "trained", 0.25 + gain,
                       fmt::format(R"(,"test_curve":[{},{}])", 0.25 + gain / 2, 0.25 + gain)) +
           "\n";
  write_file_atomically(run / "results.jsonl", lines);
}

}  // namespace simclr
