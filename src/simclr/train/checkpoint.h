#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>

#include "simclr/config/settings.h"
#include "simclr/model/simclr_model.h"
#include "simclr/optim/optimizer.h"
#include "simclr/optim/weight_average.h"

namespace simclr {

/// Sums over the images seen so far in an epoch.
struct RunningMean {
  double loss_sum = 0.0;
  double correct_sum = 0.0;
  std::int64_t images = 0;

  void add(double loss, double accuracy, std::int64_t count);
  double loss() const { return loss_sum / static_cast<double>(images); }
  double accuracy() const { return correct_sum / static_cast<double>(images); }
};

/// Where training stands, besides the tensors.
struct TrainingState {
  std::int64_t epoch = 0;          ///< whole epochs done
  std::int64_t step_in_epoch = 0;  ///< steps done of the next one
  RunningMean sums;                ///< of those steps
  double best_val_loss = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = 0;  ///< 1-based; 0: none yet
};

/// Everything that training needs to go on as if it had not stopped, in one safetensors file,
/// written atomically: "model.<name>", "optimizer.<kind>.<name>", "ema.<name>" where an average of
/// the weights is kept (null: none is), and in the metadata the state and the settings.
void save_checkpoint(const std::filesystem::path& path, const SimclrModel& model,
                     const Optimizer& optimizer, const WeightAverage* average,
                     const TrainingState& state, const Settings& settings);

/// Restores model, optimizer and average (null: none is kept). @throws Error(kData) if the file is
/// damaged or is not of this model and optimizer
TrainingState load_checkpoint(const std::filesystem::path& path, SimclrModel& model,
                              Optimizer& optimizer, const WeightAverage* average);

/// Which weights of a checkpoint: those that were trained, or their average.
enum class Weights { kTrained, kAverage };

/// The model alone: encoder and head as they were. @return whole epochs it was trained for
/// @throws Error(kData) as load_checkpoint, Error(kUsage) if an average is wanted and none was kept
std::int64_t load_model(const std::filesystem::path& path, SimclrModel& model,
                        Weights weights = Weights::kTrained);

}  // namespace simclr
