#include "simclr/train/checkpoint.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/sha256.h"
#include "simclr/core/version.h"
#include "simclr/formats/safetensors.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr const char* kFormat = "simclr checkpoint 1";
const std::string kModelPrefix = "model.";
constexpr const char* kDigest = "sha256";

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
          {"gradient_norm_sum", fmt::format("{}", state.gradient_norms.loss_sum)},
          {"gradient_norms", fmt::format("{}", state.gradient_norms.images)},
          {"planned_epochs", fmt::format("{}", settings.train.epochs)},
          {"best_val_loss", fmt::format("{}", state.best_val_loss)},
          {"best_epoch", fmt::format("{}", state.best_epoch)}};
}

/// Over names, shapes and bytes of all tensors, and the metadata but the digest itself: a bit that
/// has turned over anywhere is noticed.
std::string digest_of(const std::map<std::string, TensorEntry>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  Sha256 sha;
  const auto add = [&sha](const std::string& text) {
    const std::string framed = fmt::format("{}:{}", text.size(), text);
    sha.update(framed.data(), framed.size());
  };
  for (const auto& [key, value] : metadata) {
    if (key == kDigest) continue;
    add(key);
    add(value);
  }
  for (const auto& [name, entry] : tensors) {
    add(name);
    add(fmt::format("{} {}", entry.dtype, fmt::join(entry.shape, ",")));
    sha.update(entry.data, entry.bytes);
  }
  return sha.hex_digest();
}

/// Reads the named numbers of a checkpoint's metadata.
class MetadataReader {
 public:
  MetadataReader(const std::filesystem::path& path, const SafetensorsFile& file)
      : path_(path), metadata_(file.metadata()) {
    const auto format = metadata_.find("format");
    if (format == metadata_.end() || format->second != kFormat)
      fail("it is not a checkpoint of this program");
    const auto digest = metadata_.find(kDigest);
    if (digest == metadata_.end()) fail("its metadata lacks 'sha256'");
    if (digest->second != digest_of(file.tensors(), metadata_))
      fail("it is damaged: what it holds is not what its SHA-256 says");
  }

  const std::string& text(const std::string& name) const {
    const auto found = metadata_.find(name);
    if (found == metadata_.end()) fail(fmt::format("its metadata lacks '{}'", name));
    return found->second;
  }

  template <class T>
  T number(const std::string& name) const {
    const std::string& digits = text(name);
    T value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) {
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
    tensors[kModelPrefix + name.substr(std::string_view(kAveragePrefix).size())] = entry;
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
                     const KeptTensors& kept, const TrainingState& state,
                     const Settings& settings) {
  std::map<std::string, at::Tensor> tensors;
  for (auto& [name, tensor] : state_of(model)) tensors[kModelPrefix + name] = tensor;
  for (auto& [name, tensor] : kept) tensors[name] = tensor.detach().cpu().contiguous();
  std::map<std::string, TensorEntry> entries;
  for (const auto& [name, tensor] : tensors) entries[name] = to_entry(tensor);
  std::map<std::string, std::string> metadata = to_metadata(state, settings);
  metadata[kDigest] = digest_of(entries, metadata);
  write_safetensors(path, entries, metadata);
}

TrainingState load_checkpoint(const std::filesystem::path& path, SimclrModel& model,
                              const KeptTensors& kept) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  const MetadataReader metadata(path, file);
  TrainingState state;
  state.epoch = metadata.number<std::int64_t>("epoch");
  state.step_in_epoch = metadata.number<std::int64_t>("step_in_epoch");
  state.sums.loss_sum = metadata.number<double>("loss_sum");
  state.sums.correct_sum = metadata.number<double>("correct_sum");
  state.sums.images = metadata.number<std::int64_t>("images");
  state.gradient_norms.loss_sum = metadata.number<double>("gradient_norm_sum");
  state.gradient_norms.images = metadata.number<std::int64_t>("gradient_norms");
  state.best_val_loss = metadata.number<double>("best_val_loss");
  state.best_epoch = metadata.number<std::int64_t>("best_epoch");
  state.planned_epochs = metadata.number<std::int64_t>("planned_epochs");
  state.settings = metadata.text("settings");

  std::map<std::string, at::Tensor> found;
  for (const auto& [name, tensor] : kept)
    found[name] = to_tensor(matching_entry(path, file, name, tensor));
  load_strictly(model, file.tensors(), kModelPrefix, Part::kAll);
  for (const auto& [name, tensor] : kept) tensor.detach().copy_(found[name]);
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
