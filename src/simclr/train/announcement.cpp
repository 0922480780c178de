#include "simclr/train/announcement.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "simclr/loader/batch_loader.h"
#include "simclr/optim/schedule.h"

namespace simclr {
namespace {

double rate_of(const Settings& settings, std::int64_t epochs, std::int64_t steps_per_epoch,
               std::int64_t step) {
  return learning_rate(settings.optim,
                       peak_learning_rate(settings.optim, settings.train.batch_size), step,
                       {steps_per_epoch, epochs * steps_per_epoch});
}

std::string batches_line(const Settings& settings) {
  const std::int64_t n = settings.train.batch_size;
  const std::int64_t micro = settings.train.micro_batch;
  const bool contrastive = settings.train.objective == Objective::kContrastive;
  std::string line;
  if (contrastive) line = fmt::format(" ({} views, {} negatives each)", 2 * n, 2 * n - 2);
  if (micro > 0 && micro < n) {
    line += fmt::format(
        ", in {} micro-batches of {}: two passes, the whole batch's negatives and gradient; batch "
        "norm's statistics are each micro-batch's own",
        n / micro, micro);
  }
  return line;
}

std::string memory_of(const SimclrModel& model) {
  const std::int64_t bytes = model.engine_memory();
  return bytes == 0 ? "" : fmt::format("; {} MiB set aside for a step", bytes >> 20);
}

/// Settings that change nothing, or less than they seem to.
std::vector<std::string> without_effect(const Settings& settings) {
  const OptimSettings& optim = settings.optim;
  const std::int64_t epochs = settings.train.epochs;
  std::vector<std::string> lines;
  if (optim.warmup_epochs >= static_cast<double>(epochs)) {
    lines.push_back(fmt::format(
        "Note: with --warmup-epochs {} and --epochs {} the peak rate is {}.", optim.warmup_epochs,
        epochs,
        optim.warmup_epochs > static_cast<double>(epochs) ? "never reached"
                                                          : "reached at the last step only"));
  }
  if (!optim.milestones.empty() && optim.schedule != Schedule::kStep) {
    lines.push_back(fmt::format("Note: --milestones have no effect with --schedule {}.",
                                name_of(optim.schedule)));
  }
  return lines;
}

}  // namespace

std::vector<std::string> announcement(const Settings& settings, const DataSplits& data,
                                      const SimclrModel& model, std::size_t images) {
  std::int64_t weights = 0;
  for (const auto& [name, tensor] : model.parameters()) weights += tensor.numel();
  const std::int64_t n = settings.train.batch_size;
  const bool contrastive = settings.train.objective == Objective::kContrastive;
  const std::string norms =
      contrastive ? fmt::format("; batch norm {}", settings.model.bn == NormViews::kJoint
                                                       ? "over both views"
                                                       : "over each view apart")
                  : "";
  std::vector<std::string> lines{
      fmt::format("{}, stem {}, width {}: {:.2f} M weights; {} objective{}",
                  name_of(settings.model.arch), name_of(settings.model.stem), settings.model.width,
                  static_cast<double>(weights) / 1e6, name_of(settings.train.objective), norms),
      fmt::format("Engine: {}; {} threads{}", model.describe_engine(data.image_size),
                  at::get_num_threads(), memory_of(model)),
      fmt::format("Optimizer: {}; peak learning rate {:.6g} ({}, scaling {})",
                  name_of(settings.optim.optimizer), peak_learning_rate(settings.optim, n),
                  settings.optim.lr, name_of(settings.optim.lr_scaling)),
      fmt::format("{} training and {} validation images {}; {} steps of {} images an epoch{}",
                  images, data.validation->size(),
                  data.class_names.empty() ? "without labels"
                                           : fmt::format("of {} classes", data.class_names.size()),
                  batches_per_epoch(images, n, true), n, batches_line(settings))};
  for (const std::string& line : without_effect(settings)) lines.push_back(line);
  return lines;
}

std::string extension_note(const Settings& settings, std::int64_t planned_epochs,
                           std::int64_t steps_per_epoch, std::int64_t step) {
  const std::int64_t epochs = settings.train.epochs;
  const double before = rate_of(settings, planned_epochs, steps_per_epoch, step);
  const double after = rate_of(settings, epochs, steps_per_epoch, step);
  const std::string_view schedule = name_of(settings.optim.schedule);
  const std::string line = fmt::format("{} epochs instead of {}", epochs, planned_epochs);
  if (before == after) {
    return fmt::format("{}: the {} schedule goes on, the next step's rate is {:.4g}.", line,
                       schedule, after);
  }
  return fmt::format(
      "{}: the {} schedule now ends at epoch {}, so the next step's rate is {:.4g} instead of "
      "{:.4g}. "
      "A run of {} epochs from the start would have had other rates up to here.",
      line, schedule, epochs, after, before, epochs);
}

}  // namespace simclr
