#include "simclr/train/trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/optim/schedule.h"
#include "simclr/train/announcement.h"
#include "simclr/train/device.h"
#include "simclr/train/start_checks.h"

namespace simclr {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<OptimizedParameter> averaged_tensors(const SimclrModel& model) {
  std::vector<OptimizedParameter> tensors = optimized_parameters(model);
  for (const auto& [name, tensor] : model.buffers()) tensors.push_back({name, tensor});
  return tensors;
}

/// While it lives the model has its averages, where some are kept: they are what is used later.
class ScoredWeights {
 public:
  explicit ScoredWeights(std::optional<WeightAverage>& average) : average_(average) {
    if (average_) average_->swap();
  }
  ~ScoredWeights() {
    if (average_) average_->swap();
  }
  ScoredWeights(const ScoredWeights&) = delete;
  ScoredWeights& operator=(const ScoredWeights&) = delete;

 private:
  std::optional<WeightAverage>& average_;
};

}  // namespace

Trainer::Trainer(const PretrainOptions& options, const DataSplits& data, const RunFolder& run,
                 SimclrModel model, EventSink& sink)
    : settings_(options.settings),
      stop_(options.stop),
      data_(data),
      images_(training_images(data, options.settings)),
      run_(run),
      sink_(sink),
      device_(prepare_device(options.settings.run)),
      precision_(choose_precision(options.settings, device_)),
      model_(std::move(model)),
      from_file_(!options.init.empty()),
      criterion_(criterion_of(options.settings, precision_.precision)),
      monitor_(options.settings, data, model_.feature_width(), device_),
      notes_(chance_loss(options.settings, static_cast<std::int64_t>(data.class_names.size()))),
      checkpoints_(run),
      steps_per_epoch_(batches_per_epoch(images_->size(), settings_.train.batch_size, true)),
      last_saved_(Clock::now()) {
  optimizer_ = make_optimizer(settings_.optim, optimized_parameters(model_));
  if (settings_.optim.ema_decay > 0.0)
    average_.emplace(settings_.optim.ema_decay, averaged_tensors(model_));
  if (criterion_.precision == Precision::kFp16) scaler_.emplace();
}

void Trainer::restore() {
  const auto load = [this](const std::filesystem::path& path) {
    state_ = load_checkpoint(path, model_, kept());
    check_goes_on(path, state_, settings_);
    return names_due();
  };
  if (!checkpoints_.restore(load, sink_)) {
    sink_.message("No checkpoint yet: starting from the beginning.");
    return;
  }
  for (const EpochMetrics& row : read_metrics(run_.path())) {
    if (row.epoch <= state_.epoch) rows_.push_back(row);
  }
  sink_.message(
      fmt::format("Resuming after epoch {}, step {}.", state_.epoch, state_.step_in_epoch));
  if (state_.planned_epochs != settings_.train.epochs) {
    sink_.message(
        extension_note(settings_, state_.planned_epochs, steps_per_epoch_, step_number()));
  }
}

PretrainResult Trainer::train() {
  prepare_steps(model_, criterion_, data_.image_size, settings_.train.batch_size);
  // Killed before the next checkpoint, it would start from other weights without the file.
  if (from_file_ && checkpoints_.empty()) save({.last = true});
  for (const std::string& line : announcement(settings_, data_, model_, images_->size()))
    sink_.message(line);
  if (!precision_.note.empty()) sink_.message(precision_.note);
  if (average_)
    sink_.message("Validation scores the average of the weights (`simclr knn --ema` does too).");
  write_metrics(run_.path(), rows_);
  if (settings_.monitor.tensorboard) {
    tensorboard_ =
        std::make_unique<TensorBoardLog>(run_, settings_, images_, data_.image_size, rows_);
  }
  while (state_.epoch < settings_.train.epochs && !patience_is_over()) {
    EpochMetrics row;
    std::optional<StepResult> validation;
    if (train_epoch()) validation = validate(row);
    if (!validation) {
      save({.last = true});
      return {rows_, state_.best_epoch, true};
    }
    finish_epoch(*validation, row);
  }
  if (patience_is_over()) {
    sink_.message(fmt::format("Stopping early: no better validation loss for {} epochs.",
                              settings_.train.patience));
  }
  return {rows_, state_.best_epoch, false};
}

bool Trainer::train_epoch() {
  const std::string task = fmt::format("Epoch {}/{}", state_.epoch + 1, settings_.train.epochs);
  BatchLoader loader(images_,
                     training_plan(settings_, data_.image_size, state_.epoch, state_.step_in_epoch),
                     settings_.run.workers);
  model_.set_training(true);
  views_done_ = 0;
  const auto next_batch = [&] {
    const StageTimer timer(stages_.loader);
    return loader.next();
  };
  while (auto batch = next_batch()) {
    {
      const StageTimer timer(stages_.step);
      take_step(*batch);
    }
    sink_.progress(task, state_.step_in_epoch, steps_per_epoch_,
                   fmt::format("{:.0f} views/s",
                               static_cast<double>(views_done_) / (stages_.loader + stages_.step)));
    if (stop_()) return false;
    const std::chrono::duration<double> unsaved = Clock::now() - last_saved_;
    if (settings_.save.minutes > 0.0 && unsaved.count() > 60.0 * settings_.save.minutes)
      save({.last = true});
  }
  return true;
}

void Trainer::take_step(Batch& batch) {
  const at::Tensor views = views_tensor(batch, data_.image_size, device_);
  const StepResult step =
      train_step({model_, *optimizer_, scaler_ ? &*scaler_ : nullptr}, criterion_, views,
                 batch.labels, learning_rate_at(step_number()));
  check_finite(step, "training loss");
  monitor_.learn(step.features, batch.labels);
  if (average_) average_->update();
  state_.sums.add(step.loss, step.accuracy, batch.images);
  if (!std::isnan(step.gradient_norm)) state_.gradient_norms.add(step.gradient_norm, 0.0, 1);
  ++state_.step_in_epoch;
  views_done_ += views.size(0);
}

std::optional<StepResult> Trainer::validate(EpochMetrics& row) {
  const StageTimer timer(stages_.evaluation);
  const ScoredWeights scored(average_);
  model_.set_training(false);
  const std::optional<StepResult> result = score_validation();
  if (result) monitor_.measure(model_, row);
  return result;
}

std::optional<StepResult> Trainer::score_validation() {
  const std::string task =
      fmt::format("Epoch {}/{}, validation", state_.epoch + 1, settings_.train.epochs);
  BatchLoader loader(data_.validation, validation_plan(settings_, data_.image_size),
                     settings_.run.workers);
  monitor_.forget();
  RunningMean sums;
  std::int64_t batches = 0;
  while (auto batch = loader.next()) {
    const at::Tensor views = views_tensor(*batch, data_.image_size, device_);
    const StepResult result = score(model_, criterion_, views, batch->labels);
    monitor_.see(result.projections, batch->images);
    sums.add(result.loss, result.accuracy, batch->images);
    sink_.progress(task, ++batches, loader.batches(), "");
    if (stop_()) return std::nullopt;
  }
  StepResult result{sums.loss(), sums.accuracy()};
  check_finite(result, "validation loss");
  return result;
}

void Trainer::finish_epoch(const StepResult& validation, EpochMetrics row) {
  const RunningMean sums = std::exchange(state_.sums, {});
  const RunningMean norms = std::exchange(state_.gradient_norms, {});
  state_.step_in_epoch = 0;
  ++state_.epoch;
  if (validation.loss < state_.best_val_loss) {
    state_.best_val_loss = validation.loss;
    state_.best_epoch = state_.epoch;
  }
  row.epoch = state_.epoch;
  row.epochs = settings_.train.epochs;
  row.step = state_.epoch * steps_per_epoch_;
  row.objective = std::string(name_of(settings_.train.objective));
  row.train_loss = sums.loss();
  row.train_accuracy = sums.accuracy();
  row.val_loss = validation.loss;
  row.val_accuracy = validation.accuracy;
  row.lr = learning_rate_at(row.step - 1);
  const double training_seconds = stages_.loader + stages_.step;
  if (views_done_ > 0) row.views_per_second = static_cast<double>(views_done_) / training_seconds;
  row.epoch_seconds = training_seconds + stages_.evaluation;
  row.loader_share = stages_.share(stages_.loader);
  row.step_share = stages_.share(stages_.step);
  row.evaluation_share = stages_.share(stages_.evaluation);
  row.saving_share = stages_.share(stages_.saving);
  if (norms.images > 0) row.gradient_norm = norms.loss();
  session_seconds_ += stages_.total();
  ++session_epochs_;
  stages_ = {};  // what is saved from here on counts for the next epoch
  rows_.push_back(row);
  write_metrics(run_.path(), rows_);
  if (tensorboard_) tensorboard_->add(row);

  if (const CheckpointFolder::Names names = names_due(); names.last || names.best) save(names);
  sink_.message(epoch_line(row) + time_left());
  for (const std::string& note : notes_.on(row)) sink_.message(note);
}

/// Of a checkpoint at the end of an epoch; none within one.
CheckpointFolder::Names Trainer::names_due() const {
  CheckpointFolder::Names names;
  if (state_.epoch == 0 || state_.step_in_epoch > 0) return names;
  const std::int64_t keep = settings_.save.keep_every;
  if (keep > 0 && state_.epoch % keep == 0) names.epoch = state_.epoch;
  names.best = state_.best_epoch == state_.epoch;
  names.last = names.epoch.has_value() || state_.epoch % settings_.save.epochs == 0 ||
               state_.epoch == settings_.train.epochs || patience_is_over();
  return names;
}

bool Trainer::patience_is_over() const {
  const std::int64_t patience = settings_.train.patience;
  return patience > 0 && state_.best_epoch > 0 && state_.epoch - state_.best_epoch >= patience;
}

void Trainer::check_finite(const StepResult& result, const char* what) const {
  if (!std::isfinite(result.loss)) {
    diverged(fmt::format("the {} is not finite ({})", what,
                         std::isnan(result.loss) ? "nan" : "infinite"));
  }
  if (!result.bad_gradient.empty())
    diverged(fmt::format("the gradient of {} is not finite", result.bad_gradient));
}

void Trainer::diverged(const std::string& what) const {
  const auto last = run_.checkpoint("last");
  throw Error(ExitCode::kDiverged,
              fmt::format("{} at step {} (epoch {}, rate {:.3g})", what, step_number() + 1,
                          state_.epoch + 1, learning_rate_at(step_number())),
              fmt::format("Lower --lr or raise --temperature. {}",
                          std::filesystem::exists(last)
                              ? fmt::format("Last good checkpoint: {}.", last.string())
                              : "No checkpoint was saved before."));
}

void Trainer::save(const CheckpointFolder::Names& names) {
  const StageTimer timer(stages_.saving);
  checkpoints_.save(names, [this](const std::filesystem::path& path) {
    save_checkpoint(path, model_, kept(), state_, settings_);
  });
  if (names.last) last_saved_ = Clock::now();  // `best` alone is not what a resumed run needs
}

KeptTensors Trainer::kept() const {
  KeptTensors kept = monitor_.state();
  for (auto& [name, tensor] : optimizer_->state()) kept["optimizer." + name] = tensor;
  if (average_)
    for (auto& [name, tensor] : average_->state()) kept[kAveragePrefix + name] = tensor;
  if (scaler_)
    for (auto& [name, tensor] : scaler_->state()) kept["scaler." + name] = tensor;
  return kept;
}

std::int64_t Trainer::step_number() const {
  return state_.epoch * steps_per_epoch_ + state_.step_in_epoch;
}

double Trainer::learning_rate_at(std::int64_t step) const {
  return learning_rate(settings_.optim,
                       peak_learning_rate(settings_.optim, settings_.train.batch_size), step,
                       {steps_per_epoch_, settings_.train.epochs * steps_per_epoch_});
}

std::string Trainer::time_left() const {
  const std::int64_t epochs_left = settings_.train.epochs - state_.epoch;
  if (epochs_left == 0) return "";
  const double seconds =
      session_seconds_ / static_cast<double>(session_epochs_) * static_cast<double>(epochs_left);
  return fmt::format(" | {} left", format_duration(seconds));
}

}  // namespace simclr
