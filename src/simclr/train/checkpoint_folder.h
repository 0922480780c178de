#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "simclr/core/events.h"
#include "simclr/train/run_folder.h"

namespace simclr {

/// The checkpoints of a run: last, the one before it (previous), best, and those of single epochs
/// that are kept for good. At every moment at least one of those that were there is whole: a new
/// one is written beside, then takes the place of last, whose place is previous.
class CheckpointFolder {
 public:
  /// Which names a new checkpoint goes by.
  struct Names {
    bool last = false;
    bool best = false;
    std::optional<std::int64_t> epoch = std::nullopt;  ///< epoch-<N>
  };

  using Write = std::function<void(const std::filesystem::path&)>;
  /// Returns the names that are due to the checkpoint.
  using Load = std::function<Names(const std::filesystem::path&)>;

  explicit CheckpointFolder(const RunFolder& run) : run_(run) {}

  /// @throws Error(kFailed) if the disk does not take it; those that were there still stand
  void save(const Names& names, const Write& write) const;

  /// Loads the newest that is whole, and says so where that is not the last one written; a damaged
  /// one is set aside as <name>.safetensors.damaged. One whose save was interrupted after it was
  /// written gets its names now. @return false if there is none
  /// @throws Error(kData), the newest one's, if none of them is whole
  bool restore(const Load& load, EventSink& sink) const;

  bool empty() const { return newest_first().empty(); }

 private:
  void name_next(const Names& names) const;
  std::vector<std::filesystem::path> newest_first() const;

  const RunFolder& run_;
};

}  // namespace simclr
