#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"

namespace simclr {

/// What a run folder holds, and the rules by which one comes to be.
///   config.yaml command.txt environment.json init.txt images.json training_images.npy
///   skipped.jsonl train.log metrics.jsonl metrics.csv results.jsonl evaluations/
///   checkpoints/{last,previous,best,epoch-N}.safetensors exports/ events.out.tfevents.*
///   pictures.json report.html report.md tables/ plots/
class RunFolder {
 public:
  /// A new run. @throws Error(kUsage) if `path` exists and is not an empty folder (or one that a
  /// kill left before it was a run), unless `overwrite`; that removes what a run writes and nothing
  /// else, and refuses a folder that is not a run's.
  /// @param start  what its weights are at first, for init.txt; "": it is not trained
  static RunFolder create(const std::filesystem::path& path, const Settings& settings,
                          const std::string& command, bool overwrite,
                          const std::string& start = "");
  /// An existing run. @throws Error(kUsage) if `path` is not one
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  Settings settings() const;  ///< config.yaml. @throws Error(kUsage) if it does not fit the schema
  void write_settings(const Settings& settings) const;
  /// init.txt; nothing if there is none, as in runs of older versions
  std::optional<std::string> start() const;
  std::filesystem::path checkpoint(const std::string& name) const;  ///< "last" or "best"
  std::filesystem::path results() const { return path_ / "results.jsonl"; }
  std::filesystem::path skipped() const { return path_ / "skipped.jsonl"; }
  std::filesystem::path images() const { return path_ / "images.json"; }  ///< training_images.h
  std::filesystem::path training_images() const { return path_ / "training_images.npy"; }

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Passes events on and keeps each message in the run's train.log.
class LoggingSink final : public EventSink {
 public:
  LoggingSink(const RunFolder& run, EventSink& next)
      : log_(run.path() / "train.log"), next_(next) {}

  void message(std::string_view line) override;
  void progress(std::string_view task, std::int64_t done, std::int64_t total,
                std::string_view rate_text) override {
    next_.progress(task, done, total, rate_text);
  }

 private:
  std::filesystem::path log_;
  EventSink& next_;
};

/// A run's event files, as TensorBoardWriter names them.
std::vector<std::filesystem::path> event_files(const std::filesystem::path& run);

/// Version, commit, LibTorch, processor, cores, memory and threads as a JSON object:
/// environment.json.
std::string describe_environment();

}  // namespace simclr
