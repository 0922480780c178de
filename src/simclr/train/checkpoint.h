#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/model/simclr_model.h"

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
  RunningMean gradient_norms;      ///< likewise, those that were measured: `loss` is the norm
  double best_val_loss = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = 0;      ///< 1-based; 0: none yet
  std::int64_t planned_epochs = 0;  ///< train.epochs when the checkpoint was written
  std::string settings;             ///< all of them then, as YAML
};

/// What training keeps besides the model, by its name in a checkpoint: "optimizer.<kind>.<name>",
/// "ema.<name>" where an average of the weights is kept, "probe.<name>", "scaler.<name>". The
/// tensors themselves, not copies.
using KeptTensors = std::map<std::string, at::Tensor>;
inline constexpr const char* kAveragePrefix = "ema.";

/// Everything that training needs to go on as if it had not stopped, in one safetensors file,
/// written atomically: "model.<name>", what is kept besides, and in the metadata the state, the
/// settings and a SHA-256 over all of it.
void save_checkpoint(const std::filesystem::path& path, const SimclrModel& model,
                     const KeptTensors& kept, const TrainingState& state, const Settings& settings);

/// Restores the model and what is kept besides. @throws Error(kData) if the file is damaged or is
/// not of this model and optimizer; both then keep what they have
TrainingState load_checkpoint(const std::filesystem::path& path, SimclrModel& model,
                              const KeptTensors& kept);

/// Which weights of a checkpoint: those that were trained, or their average.
enum class Weights { kTrained, kAverage };

/// The model alone: encoder and head as they were. @return whole epochs it was trained for
/// @throws Error(kData) as load_checkpoint, Error(kUsage) if an average is wanted and none was kept
std::int64_t load_model(const std::filesystem::path& path, SimclrModel& model,
                        Weights weights = Weights::kTrained);

}  // namespace simclr
