#pragma once

#include <memory>
#include <vector>

#include "simclr/data/dataset.h"
#include "simclr/formats/metrics.h"
#include "simclr/formats/tensorboard.h"
#include "simclr/train/run_folder.h"

namespace simclr {

/// A run's metrics for TensorBoard, in one event file: settings, a grid of views, and the scalars
/// of each epoch. Of an earlier session's file nothing stays but the epochs that are gone on from,
/// so a resumed run shows one curve.
class TensorBoardLog {
 public:
  /// @param images  that the run learns from; the grid shows the first eight  @throws
  /// Error(kFailed)
  TensorBoardLog(const RunFolder& run, const Settings& settings,
                 const std::shared_ptr<const Dataset>& images, int side,
                 const std::vector<EpochMetrics>& rows);

  void add(const EpochMetrics& row);

 private:
  TensorBoardWriter writer_;
};

}  // namespace simclr
