#include "simclr/train/checkpoint.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/version.h"
#include "simclr/formats/safetensors.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr const char* kFormat = "simclr checkpoint 1";
const std::string kModelPrefix = "model.";
const std::string kOptimizerPrefix = "optimizer.";
const std::string kAveragePrefix = "ema.";

std::map<std::string, std::string> to_metadata(const TrainingState& state,
                                               const Settings& settings) {
  return {{"format", kFormat},
          {"version", std::string(version())},
          {"settings", to_yaml(settings)},
          {"epoch", fmt::format("{}", state.epoch)},
          {"step_in_epoch", fmt::format("{}", state.step_in_epoch)},
          {"loss_sum", fmt::format("{}", state.sums.loss_sum)},
          {"correct_sum", fmt::format("{}", state.sums.correct_sum)},
          {"images", fmt::format("{}", state.sums.images)},
          {"best_val_loss", fmt::format("{}", state.best_val_loss)},
          {"best_epoch", fmt::format("{}", state.best_epoch)}};
}

/// Reads the named numbers of a checkpoint's metadata.
class MetadataReader {
 public:
  MetadataReader(const std::filesystem::path& path, const SafetensorsFile& file)
      : path_(path), metadata_(file.metadata()) {
    const auto format = metadata_.find("format");
    if (format == metadata_.end() || format->second != kFormat)
      fail("it is not a checkpoint of this program");
  }

  template <class T>
  T number(const std::string& name) const {
    const auto found = metadata_.find(name);
    if (found == metadata_.end()) fail(fmt::format("its metadata lacks '{}'", name));
    const std::string& text = found->second;
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      fail(fmt::format("'{}' in its metadata is not a number", name));
    }
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ExitCode::kData, fmt::format("{}: {}", path_.string(), what),
                "Give a file that `simclr pretrain` wrote under checkpoints/.");
  }

  const std::filesystem::path& path_;
  const std::map<std::string, std::string>& metadata_;
};

/// What of a checkpoint is not the model: every tensor that training keeps besides, by its name
/// there.
std::map<std::string, at::Tensor> kept_besides(const Optimizer& optimizer,
                                               const WeightAverage* average) {
  std::map<std::string, at::Tensor> kept;
  for (auto& [name, tensor] : optimizer.state()) kept[kOptimizerPrefix + name] = tensor;
  if (average != nullptr)
    for (auto& [name, tensor] : average->state()) kept[kAveragePrefix + name] = tensor;
  return kept;
}

/// The entry of `name`, checked against the tensor that takes it.
const TensorEntry& matching_entry(const std::filesystem::path& path, const SafetensorsFile& file,
                                  const std::string& name, const at::Tensor& tensor) {
  const auto found = file.tensors().find(name);
  const bool fits =
      found != file.tensors().end() && at::IntArrayRef(found->second.shape) == tensor.sizes();
  if (!fits) {
    throw Error(ExitCode::kData,
                fmt::format("{}: '{}' is missing or of another shape", path.string(), name),
                "The checkpoint is of another model or optimizer.");
  }
  return found->second;
}

/// The model's tensors with their averages in the place of those that have one.
std::map<std::string, TensorEntry> averaged_tensors(const std::filesystem::path& path,
                                                    const SafetensorsFile& file) {
  std::map<std::string, TensorEntry> tensors = file.tensors();
  bool any = false;
  for (const auto& [name, entry] : file.tensors()) {
    if (!name.starts_with(kAveragePrefix)) continue;
    tensors[kModelPrefix + name.substr(kAveragePrefix.size())] = entry;
    any = true;
  }
  if (any) return tensors;
  throw Error(ExitCode::kUsage, fmt::format("{} holds no average of the weights", path.string()),
              "Train with --ema-decay (0.999, say) to keep one, or leave --ema out.");
}

}  // namespace

void RunningMean::add(double loss, double accuracy, std::int64_t count) {
  loss_sum += loss * static_cast<double>(count);
  correct_sum += accuracy * static_cast<double>(count);
  images += count;
}

void save_checkpoint(const std::filesystem::path& path, const SimclrModel& model,
                     const Optimizer& optimizer, const WeightAverage* average,
                     const TrainingState& state, const Settings& settings) {
  std::map<std::string, at::Tensor> kept;
  for (auto& [name, tensor] : state_of(model)) kept[kModelPrefix + name] = tensor;
  for (auto& [name, tensor] : kept_besides(optimizer, average))
    kept[name] = tensor.detach().cpu().contiguous();
  std::map<std::string, TensorEntry> entries;
  for (const auto& [name, tensor] : kept) entries[name] = to_entry(tensor);
  write_safetensors(path, entries, to_metadata(state, settings));
}

TrainingState load_checkpoint(const std::filesystem::path& path, SimclrModel& model,
                              Optimizer& optimizer, const WeightAverage* average) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  const MetadataReader metadata(path, file);
  TrainingState state;
  state.epoch = metadata.number<std::int64_t>("epoch");
  state.step_in_epoch = metadata.number<std::int64_t>("step_in_epoch");
  state.sums.loss_sum = metadata.number<double>("loss_sum");
  state.sums.correct_sum = metadata.number<double>("correct_sum");
  state.sums.images = metadata.number<std::int64_t>("images");
  state.best_val_loss = metadata.number<double>("best_val_loss");
  state.best_epoch = metadata.number<std::int64_t>("best_epoch");

  const std::map<std::string, at::Tensor> besides = kept_besides(optimizer, average);
  for (const auto& [name, tensor] : besides) matching_entry(path, file, name, tensor);
  load_strictly(model, file.tensors(), kModelPrefix, Part::kAll);
  for (const auto& [name, tensor] : besides) {
    tensor.detach().copy_(to_tensor(matching_entry(path, file, name, tensor)));
  }
  return state;
}

std::int64_t load_model(const std::filesystem::path& path, SimclrModel& model, Weights weights) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  const MetadataReader metadata(path, file);
  if (weights == Weights::kAverage) {
    load_strictly(model, averaged_tensors(path, file), kModelPrefix, Part::kAll);
  } else {
    load_strictly(model, file.tensors(), kModelPrefix, Part::kAll);
  }
  return metadata.number<std::int64_t>("epoch");
}

}  // namespace simclr
