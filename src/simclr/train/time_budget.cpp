#include "simclr/train/time_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "simclr/core/stopwatch.h"
#include "simclr/core/text.h"
#include "simclr/train/device.h"
#include "simclr/train/monitor.h"
#include "simclr/train/precision.h"
#include "simclr/train/run_parts.h"

namespace simclr {
namespace {

constexpr double kUsedShare = 0.95;
constexpr std::int64_t kWarmUpSteps = 2;
constexpr std::int64_t kMostSteps = 30;
constexpr double kMostSeconds = 10.0;  // for each of steps and validation

/// Seconds a batch, over those after the warm-up. @param work  takes a batch
template <class Work>
double seconds_per_batch(BatchLoader& loader, std::int64_t warm_up, Work&& work) {
  Stopwatch watch;
  double start = 0.0;
  std::int64_t done = 0;
  while (auto batch = loader.next()) {
    work(*batch);
    if (++done == warm_up) start = watch.seconds();
    if (done >= warm_up + kMostSteps || watch.seconds() - start > kMostSeconds) break;
  }
  // So few batches that none came after the warm-up: all of them count.
  if (done <= warm_up)
    return watch.seconds() / static_cast<double>(std::max<std::int64_t>(done, 1));
  return (watch.seconds() - start) / static_cast<double>(done - warm_up);
}

}  // namespace

std::int64_t epochs_within(double seconds, const RunCost& cost) {
  const double left = kUsedShare * seconds - cost.start;
  return std::max<std::int64_t>(1, std::llround(std::floor(left / cost.epoch)));
}

std::int64_t measured_epochs(const Settings& settings, const DataSplits& data, EventSink& sink) {
  const Stopwatch watch;
  const c10::Device device = prepare_device(settings.run);
  SimclrModel model = make_model(settings, data);
  model.to(device);
  const auto optimizer = make_optimizer(settings.optim, optimized_parameters(model));
  const Criterion criterion = criterion_of(settings, choose_precision(settings, device).precision);
  const int side = data.image_size;
  Monitor monitor(settings, data, model.feature_width(), device);

  BatchLoader training(training_images(data, settings), training_plan(settings, side, 0, 0),
                       settings.run.workers);
  model.set_training(true);
  const double step = seconds_per_batch(training, kWarmUpSteps, [&](Batch& batch) {
    const StepResult result = train_step({model, *optimizer}, criterion,
                                         views_tensor(batch, side, device), batch.labels, 1e-12);
    monitor.learn(result.features, batch.labels);
  });
  BatchLoader validation(data.validation, validation_plan(settings, side), settings.run.workers);
  model.set_training(false);
  const double scoring = seconds_per_batch(validation, 0, [&](Batch& batch) {
    score(model, criterion, views_tensor(batch, side, device), batch.labels);
  });
  const Stopwatch looking;
  EpochMetrics unused;
  monitor.measure(model, unused);
  const RunCost cost{static_cast<double>(training.batches()) * step +
                         static_cast<double>(validation.batches()) * scoring + looking.seconds(),
                     watch.seconds()};
  const double budget = settings.train.time_budget.seconds;
  const std::int64_t epochs = epochs_within(budget, cost);
  const double expected = cost.start + static_cast<double>(epochs) * cost.epoch;
  sink.message(fmt::format("Time budget {}: an epoch takes about {}, so {} epoch{}: about {}{}.",
                           format_duration(budget), format_duration(cost.epoch), epochs,
                           epochs == 1 ? "" : "s", format_duration(expected),
                           expected > budget ? ", more than there is" : ""));
  return epochs;
}

}  // namespace simclr
