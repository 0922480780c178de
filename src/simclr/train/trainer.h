#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <optional>

#include "simclr/data/open.h"
#include "simclr/loader/batch_loader.h"
#include "simclr/optim/weight_average.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/pretrain.h"
#include "simclr/train/run_folder.h"
#include "simclr/train/step.h"

namespace simclr {

/// The network of a run with its initial weights: with a projection head, or a classifier where the
/// objective is supervised.
SimclrModel make_model(const Settings& settings, const DataSplits& data);

/// Whether a run cannot do without labels: the supervised objective, and the supcon loss.
bool needs_labels(const Settings& settings);

/// What a run learns from: where it needs labels the training images, else what is unlabelled, too.
std::shared_ptr<const Dataset> training_images(const DataSplits& data, const Settings& settings);

/// One run from its first step (or its last checkpoint) to its last.
class Trainer {
 public:
  Trainer(const PretrainOptions& options, const DataSplits& data, const RunFolder& run,
          EventSink& sink);

  void restore();  ///< goes back to checkpoints/last.safetensors; a run killed before the first one
                   ///< starts anew
  PretrainResult train();

 private:
  bool train_epoch();  ///< false: interrupted
  StepResult validate();
  void finish_epoch(const StepResult& validation, double seconds);
  bool patience_is_over() const;
  void check_finite(double loss, const char* what) const;
  void save(const char* name) const;
  void announce() const;
  const WeightAverage* average() const { return average_ ? &*average_ : nullptr; }
  double learning_rate_at(std::int64_t step) const;
  double current_lr() const;
  double views_per_second() const;
  std::string time_left() const;

  const Settings& settings_;
  const std::function<bool()>& stop_;
  const DataSplits& data_;
  std::shared_ptr<const Dataset> images_;  ///< that it learns from
  const RunFolder& run_;
  EventSink& sink_;
  c10::Device device_;
  SimclrModel model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;  ///< of weights and running statistics, with ema_decay
  Criterion criterion_;
  std::int64_t steps_per_epoch_;
  TrainingState state_;
  std::vector<EpochMetrics> rows_;
  double train_seconds_ = 0.0;   ///< of the current epoch, in this process
  std::int64_t views_done_ = 0;  ///< likewise
  double session_seconds_ = 0.0;
  std::int64_t session_epochs_ = 0;
};

}  // namespace simclr
