#include "simclr/train/trainer.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/optim/schedule.h"
#include "simclr/train/device.h"
#include "simclr/train/initial_weights.h"

namespace simclr {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<OptimizedParameter> optimized(const SimclrModel& model) {
  std::vector<OptimizedParameter> parameters;
  for (const auto& [name, tensor] : model.parameters()) parameters.push_back({name, tensor});
  return parameters;
}

std::vector<OptimizedParameter> averaged(const SimclrModel& model) {
  std::vector<OptimizedParameter> tensors = optimized(model);
  for (const auto& [name, tensor] : model.buffers()) tensors.push_back({name, tensor});
  return tensors;
}

BatchPlan training_plan(const Settings& settings, int side, const TrainingState& state) {
  const bool contrastive = settings.train.objective == Objective::kContrastive;
  return {.kind = contrastive ? ViewKind::kTwoRandom : ViewKind::kOneRandom,
          .augment = settings.augment,
          .batch_size = settings.train.batch_size,
          .side = side,
          .shuffle = true,
          .drop_last = true,
          .seed = settings.train.seed,
          .purpose = Purpose::kView,
          .epoch = static_cast<std::uint32_t>(state.epoch),
          .first_batch = state.step_in_epoch};
}

BatchPlan validation_plan(const Settings& settings, int side) {
  const bool contrastive = settings.train.objective == Objective::kContrastive;
  return {.kind = contrastive ? ViewKind::kTwoRandom : ViewKind::kWholeImage,
          .augment = settings.augment,
          .batch_size = settings.train.batch_size,
          .side = side,
          .seed = settings.train.seed,
          .purpose = Purpose::kValidationView};
}

}  // namespace

SimclrModel make_model(const Settings& settings, const DataSplits& data) {
  if (settings.train.objective == Objective::kContrastive) {
    return SimclrModel::contrastive(settings.model, settings.train.seed);
  }
  return SimclrModel::supervised(settings.model, static_cast<std::int64_t>(data.class_names.size()),
                                 settings.train.seed);
}

bool needs_labels(const Settings& settings) {
  return settings.train.objective == Objective::kSupervised ||
         settings.loss.kind == LossKind::kSupCon;
}

std::shared_ptr<const Dataset> training_images(const DataSplits& data, const Settings& settings) {
  if (!needs_labels(settings) && data.pretrain) return data.pretrain;
  return data.train;
}

Trainer::Trainer(const PretrainOptions& options, const DataSplits& data, const RunFolder& run,
                 EventSink& sink)
    : settings_(options.settings),
      stop_(options.stop),
      data_(data),
      images_(training_images(data, options.settings)),
      run_(run),
      sink_(sink),
      device_(prepare_device(options.settings.run)),
      model_(make_model(options.settings, data)),
      criterion_{settings_.train.objective, settings_.loss},
      steps_per_epoch_(batches_per_epoch(images_->size(), settings_.train.batch_size, true)) {
  if (!options.resume || !std::filesystem::exists(run.checkpoint("last")))
    load_initial_weights(model_, options, sink_);
  model_.to(device_);
  optimizer_ = make_optimizer(settings_.optim, optimized(model_));
  if (settings_.optim.ema_decay > 0.0)
    average_.emplace(settings_.optim.ema_decay, averaged(model_));
}

void Trainer::restore() {
  const auto last = run_.checkpoint("last");
  if (!std::filesystem::exists(last)) {
    sink_.message("No checkpoint yet: starting from the beginning.");
    return;
  }
  state_ = load_checkpoint(last, model_, *optimizer_, average());
  for (const EpochMetrics& row : read_metrics(run_.path())) {
    if (row.epoch <= state_.epoch) rows_.push_back(row);
  }
  sink_.message(
      fmt::format("Resuming after epoch {}, step {}.", state_.epoch, state_.step_in_epoch));
}

PretrainResult Trainer::train() {
  announce();
  while (state_.epoch < settings_.train.epochs && !patience_is_over()) {
    const auto start = Clock::now();
    if (!train_epoch()) {
      save("last");
      return {rows_, state_.best_epoch, true};
    }
    const StepResult validation = validate();
    finish_epoch(validation, seconds_since(start));
  }
  if (patience_is_over()) {
    sink_.message(fmt::format("Stopping early: no better validation loss for {} epochs.",
                              settings_.train.patience));
  }
  return {rows_, state_.best_epoch, false};
}

bool Trainer::train_epoch() {
  const auto start = Clock::now();
  const std::string task = fmt::format("Epoch {}/{}", state_.epoch + 1, settings_.train.epochs);
  BatchLoader loader(images_, training_plan(settings_, data_.image_size, state_),
                     settings_.run.workers);
  model_.set_training(true);
  views_done_ = 0;
  train_seconds_ = 0.0;
  while (auto batch = loader.next()) {
    const at::Tensor views = views_tensor(*batch, data_.image_size, device_);
    const StepResult step =
        train_step(model_, *optimizer_, criterion_, views, batch->labels, current_lr());
    check_finite(step.loss, "training loss");
    if (average_) average_->update();
    state_.sums.add(step.loss, step.accuracy, batch->images);
    ++state_.step_in_epoch;
    views_done_ += views.size(0);
    train_seconds_ = seconds_since(start);
    sink_.progress(
        task, state_.step_in_epoch, steps_per_epoch_,
        fmt::format("{:.0f} views/s", static_cast<double>(views_done_) / train_seconds_));
    if (stop_()) return false;
  }
  return true;
}

StepResult Trainer::validate() {
  BatchLoader loader(data_.validation, validation_plan(settings_, data_.image_size),
                     settings_.run.workers);
  model_.set_training(false);
  RunningMean sums;
  while (auto batch = loader.next()) {
    const at::Tensor views = views_tensor(*batch, data_.image_size, device_);
    const StepResult result = score(model_, criterion_, views, batch->labels);
    sums.add(result.loss, result.accuracy, batch->images);
  }
  check_finite(sums.loss(), "validation loss");
  return {sums.loss(), sums.accuracy()};
}

void Trainer::finish_epoch(const StepResult& validation, double seconds) {
  const RunningMean sums = state_.sums;
  session_seconds_ += seconds;
  ++session_epochs_;
  state_.sums = {};
  state_.step_in_epoch = 0;
  ++state_.epoch;
  const bool best = validation.loss < state_.best_val_loss;
  if (best) {
    state_.best_val_loss = validation.loss;
    state_.best_epoch = state_.epoch;
  }
  rows_.push_back({.epoch = state_.epoch,
                   .epochs = settings_.train.epochs,
                   .step = state_.epoch * steps_per_epoch_,
                   .objective = std::string(name_of(settings_.train.objective)),
                   .train_loss = sums.loss(),
                   .train_accuracy = sums.accuracy(),
                   .val_loss = validation.loss,
                   .val_accuracy = validation.accuracy,
                   .lr = learning_rate_at(state_.epoch * steps_per_epoch_ - 1),
                   .views_per_second = views_per_second(),
                   .epoch_seconds = seconds});
  write_metrics(run_.path(), rows_);
  if (best) save("best");
  save("last");
  sink_.message(epoch_line(rows_.back()) + time_left());
}

bool Trainer::patience_is_over() const {
  const std::int64_t patience = settings_.train.patience;
  return patience > 0 && state_.best_epoch > 0 && state_.epoch - state_.best_epoch >= patience;
}

void Trainer::check_finite(double loss, const char* what) const {
  if (std::isfinite(loss)) return;
  const bool saved = state_.epoch > 0;
  throw Error(ExitCode::kDiverged,
              fmt::format("the {} is not finite ({}) at step {} (epoch {}, rate {:.3g})", what,
                          std::isnan(loss) ? "nan" : "infinite",
                          state_.epoch * steps_per_epoch_ + state_.step_in_epoch + 1,
                          state_.epoch + 1, current_lr()),
              fmt::format("Lower --lr or raise --temperature. {}",
                          saved ? fmt::format("Last good checkpoint: {} (epoch {}).",
                                              run_.checkpoint("last").string(), state_.epoch)
                                : "No epoch was finished, so no checkpoint was saved."));
}

void Trainer::save(const char* name) const {
  save_checkpoint(run_.checkpoint(name), model_, *optimizer_, average(), state_, settings_);
}

double Trainer::learning_rate_at(std::int64_t step) const {
  return learning_rate(settings_.optim,
                       peak_learning_rate(settings_.optim, settings_.train.batch_size), step,
                       {steps_per_epoch_, settings_.train.epochs * steps_per_epoch_});
}

double Trainer::current_lr() const {
  return learning_rate_at(state_.epoch * steps_per_epoch_ + state_.step_in_epoch);
}

double Trainer::views_per_second() const {
  return train_seconds_ > 0.0 ? static_cast<double>(views_done_) / train_seconds_ : 0.0;
}

std::string Trainer::time_left() const {
  const std::int64_t epochs_left = settings_.train.epochs - state_.epoch;
  if (epochs_left == 0) return "";
  const double seconds =
      session_seconds_ / static_cast<double>(session_epochs_) * static_cast<double>(epochs_left);
  return fmt::format(" | {} left", format_duration(seconds));
}

void Trainer::announce() const {
  std::int64_t weights = 0;
  for (const auto& [name, tensor] : model_.parameters()) weights += tensor.numel();
  sink_.message(fmt::format("{}, stem {}, width {}: {:.2f} M weights; {} objective",
                            name_of(settings_.model.arch), name_of(settings_.model.stem),
                            settings_.model.width, static_cast<double>(weights) / 1e6,
                            name_of(settings_.train.objective)));
  sink_.message(fmt::format("Engine: {}; {} threads", model_.describe_engine(data_.image_size),
                            at::get_num_threads()));
  const std::int64_t n = settings_.train.batch_size;
  sink_.message(fmt::format("Optimizer: {}; peak learning rate {:.6g} ({}, scaling {})",
                            name_of(settings_.optim.optimizer),
                            peak_learning_rate(settings_.optim, n), settings_.optim.lr,
                            name_of(settings_.optim.lr_scaling)));
  const bool contrastive = settings_.train.objective == Objective::kContrastive;
  sink_.message(fmt::format(
      "{} training and {} validation images {}; {} steps of {} images an epoch{}", images_->size(),
      data_.validation->size(),
      data_.class_names.empty() ? "without labels"
                                : fmt::format("of {} classes", data_.class_names.size()),
      steps_per_epoch_, n,
      contrastive ? fmt::format(" ({} views, {} negatives each)", 2 * n, 2 * n - 2) : ""));
}

}  // namespace simclr
