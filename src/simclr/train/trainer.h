#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <optional>

#include "simclr/data/open.h"
#include "simclr/optim/grad_scaler.h"
#include "simclr/optim/weight_average.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/checkpoint_folder.h"
#include "simclr/train/monitor.h"
#include "simclr/train/notes.h"
#include "simclr/train/precision.h"
#include "simclr/train/pretrain.h"
#include "simclr/train/run_folder.h"
#include "simclr/train/run_parts.h"
#include "simclr/train/stage_clock.h"
#include "simclr/train/step.h"
#include "simclr/train/tensorboard_log.h"

namespace simclr {

/// One run from its first step (or its last checkpoint) to its last.
class Trainer {
 public:
  /// @param model  with its initial weights, on the device
  Trainer(const PretrainOptions& options, const DataSplits& data, const RunFolder& run,
          SimclrModel model, EventSink& sink);

  /// Goes back to the newest checkpoint that is whole; a run killed before the first one starts
  /// anew. @throws Error(kUsage) as check_goes_on()
  void restore();
  PretrainResult train();

 private:
  bool train_epoch();  ///< false: interrupted
  void take_step(Batch& batch);
  std::optional<StepResult> validate(EpochMetrics& row);  ///< nothing: interrupted
  std::optional<StepResult> score_validation();
  void finish_epoch(const StepResult& validation, EpochMetrics row);
  CheckpointFolder::Names names_due() const;
  bool patience_is_over() const;
  void check_finite(const StepResult& result, const char* what) const;
  [[noreturn]] void diverged(const std::string& what) const;
  void save(const CheckpointFolder::Names& names);
  KeptTensors kept() const;
  std::int64_t step_number() const;  ///< 0-based, of the step that comes next
  double learning_rate_at(std::int64_t step) const;
  std::string time_left() const;

  const Settings& settings_;
  const std::function<bool()>& stop_;
  const DataSplits& data_;
  std::shared_ptr<const Dataset> images_;  ///< that it learns from
  const RunFolder& run_;
  EventSink& sink_;
  c10::Device device_;
  ChosenPrecision precision_;
  SimclrModel model_;
  bool from_file_;  ///< its initial weights are
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;  ///< of weights and running statistics, with ema_decay
  std::optional<GradScaler> scaler_;      ///< with fp16
  Criterion criterion_;
  Monitor monitor_;
  Notes notes_;
  CheckpointFolder checkpoints_;
  std::unique_ptr<TensorBoardLog> tensorboard_;
  std::int64_t steps_per_epoch_;
  TrainingState state_;
  std::vector<EpochMetrics> rows_;
  StageSeconds stages_;          ///< of the current epoch, in this process
  std::int64_t views_done_ = 0;  ///< likewise
  std::chrono::steady_clock::time_point last_saved_;
  double session_seconds_ = 0.0;
  std::int64_t session_epochs_ = 0;
};

}  // namespace simclr
