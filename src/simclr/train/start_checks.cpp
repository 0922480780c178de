#include "simclr/train/start_checks.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/train/run_parts.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr int kSmallestSide = 8;  // of SimclrModel::encode

void check_labels(const Settings& settings, const DataSplits& data) {
  if (settings.train.objective == Objective::kSupervised)
    require_labels(data, "--objective supervised");
  else if (needs_labels(settings))
    require_labels(data, "--loss supcon");
}

void check_side(const DataSplits& data) {
  if (data.image_size >= kSmallestSide) return;
  throw Error(
      ExitCode::kUsage,
      fmt::format("views of {0} x {0} pixels are too small for the network", data.image_size),
      fmt::format("Give an --image-size of {} or more.", kSmallestSide));
}

/// Whether training sees the two views of an image in one pass.
bool has_joint_views(const Settings& settings) {
  return settings.train.objective == Objective::kContrastive &&
         settings.model.bn == NormViews::kJoint;
}

void check_batch_size(const Settings& settings, const DataSplits& data) {
  const auto images = static_cast<std::int64_t>(training_images(data, settings)->size());
  const std::int64_t n = settings.train.batch_size;
  if (images < n) {
    throw Error(ExitCode::kUsage,
                fmt::format("--batch-size {} is more than the {} training images", n, images),
                "Lower --batch-size, or raise --train-percent.");
  }
  if (n == 1 && settings.train.objective == Objective::kContrastive) {
    throw Error(ExitCode::kUsage, "--batch-size 1 leaves nothing that a view is told apart from",
                "A contrastive loss needs 2 images or more, better some hundred.");
  }
  const bool micro = settings.train.micro_batch > 0;
  if ((micro ? settings.train.micro_batch : n) > 1 || has_joint_views(settings)) return;
  const std::string_view flag = micro ? "--micro-batch" : "--batch-size";
  throw Error(ExitCode::kUsage,
              fmt::format("{} 1 shows the network one view at once, and batch norm has no "
                          "statistics of one",
                          flag),
              fmt::format("Give a {} of 2 or more.", flag));
}

bool is_inside(const fs::path& file, const fs::path& folder) {
  const fs::path way = fs::weakly_canonical(file).lexically_relative(fs::weakly_canonical(folder));
  return !way.empty() && *way.begin() != fs::path("..");
}

void check_init(const PretrainOptions& options) {
  if (options.init.empty() || !options.overwrite || !is_inside(options.init, options.out)) return;
  throw Error(ExitCode::kUsage,
              fmt::format("{} lies in the run that --overwrite replaces", options.init.string()),
              "Copy it elsewhere first, or choose another --out.");
}

}  // namespace

void check_start(const PretrainOptions& options, const DataSplits& data) {
  check_labels(options.settings, data);
  check_side(data);
  check_batch_size(options.settings, data);
  check_init(options);
}

void check_goes_on(const fs::path& checkpoint, const TrainingState& state,
                   const Settings& settings) {
  SettingsBuilder before;
  before.apply_yaml(state.settings, checkpoint.string());
  // Which images they are is checked by their pixels.
  const auto may_change = [](const std::string& key) {
    return key == "data.source" || may_change_on_resume(key);
  };
  const std::string changed = forbidden_changes(before.resolve(), settings, may_change);
  if (!changed.empty()) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} was trained with other settings:{}", checkpoint.string(), changed),
                "Put them back in config.yaml, or start a new --out.");
  }
  const std::int64_t begun = state.epoch + (state.step_in_epoch > 0 ? 1 : 0);
  if (settings.train.epochs >= begun) return;
  throw Error(ExitCode::kUsage,
              fmt::format("--epochs {} is fewer than the {} that {} has begun",
                          settings.train.epochs, begun, checkpoint.string()),
              "Give that many or more, or leave --epochs out.");
}

}  // namespace simclr
