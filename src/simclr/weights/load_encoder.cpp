#include "simclr/weights/load_encoder.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr std::size_t kMostNames = 8;  // of a file, listed in an error

std::string some_names(const TensorFile& file) {
  std::string names;
  std::size_t count = 0;
  for (const auto& [name, entry] : file.tensors()) {
    if (++count > kMostNames) break;
    names += "\n    " + printable(name);
  }
  if (file.tensors().size() > kMostNames)
    names += fmt::format("\n    and {} more", file.tensors().size() - kMostNames);
  return names.empty() ? " none" : names;
}

std::optional<LinearClassifier> classifier_of(const TensorFile& file, const FoundEncoder& found,
                                              std::int64_t features) {
  const auto weight = file.tensors().find(found.prefix + "fc.weight");
  const auto bias = file.tensors().find(found.prefix + "fc.bias");
  if (weight == file.tensors().end() || bias == file.tensors().end()) return std::nullopt;
  const std::vector<std::int64_t>& shape = weight->second.shape;
  if (shape.size() != 2 || shape[1] != features ||
      bias->second.shape != std::vector<std::int64_t>{shape[0]})
    return std::nullopt;
  return LinearClassifier{to_tensor(weight->second).to(at::kFloat),
                          to_tensor(bias->second).to(at::kFloat)};
}

/// Loads what `report` found to fit.
void copy_tensors(SimclrModel& model, const TensorFile& file, const FoundEncoder& found) {
  const c10::NoGradGuard no_grad;
  constexpr std::string_view kEncoder = "encoder.";
  for (const auto& group : {model.parameters(), model.buffers()}) {
    for (const NamedTensor& named : group) {
      if (!named.name.starts_with(kEncoder)) continue;
      const auto at = found.names.find(named.name.substr(kEncoder.size()));
      if (at != found.names.end())
        named.tensor.copy_(to_tensor(file.tensors().at(at->second)));
      else if (named.name.ends_with("num_batches_tracked"))
        named.tensor.zero_();
    }
  }
}

LoadReport load_found(SimclrModel& model, const std::filesystem::path& path, const TensorFile& file,
                      const FoundEncoder& found, const LoadOptions& options) {
  LoadReport report = compare_encoder(model, file, found, options);
  if (!report.fits()) {
    throw Error(ExitCode::kData,
                fmt::format("{}: the weights do not fit the encoder: nothing was loaded\n{}",
                            path.string(), report.table()),
                "`simclr inspect` shows what is in the file; what may be missing is named by "
                "--allow-missing.");
  }
  copy_tensors(model, file, found);
  return report;
}

}  // namespace

FoundEncoder find_encoder(const std::filesystem::path& path, const TensorFile& file, bool average) {
  std::vector<FoundEncoder> found = find_encoders(file.tensors(), average);
  if (!found.empty()) {
    FoundEncoder& first = found.front();
    if (average && !is_average(first)) {
      throw Error(ExitCode::kUsage,
                  fmt::format("{}: no average of the weights is in it", path.string()),
                  "Leave --ema out: the weights themselves are there.");
    }
    const bool folded =
        !first.names.contains("bn1.weight") && file.tensors().contains(first.prefix + "conv1.bias");
    if (!folded) return std::move(first);
    throw Error(ExitCode::kData,
                fmt::format("{}: its batch norms are folded into its convolutions", path.string()),
                "Give the checkpoint or an export that was not folded.");
  }
  throw Error(
      ExitCode::kData,
      fmt::format("{}: no residual encoder is in it; its tensors:{}", path.string(),
                  some_names(file)),
      "Names must be torchvision's (conv1.weight, layer1.0.conv1.weight ...) or a "
      "Sequential's of the same parts (0.weight, 4.0.conv1.weight ...), behind any prefix.");
}

LoadReport load_encoder(SimclrModel& model, const ModelSettings& settings,
                        const std::filesystem::path& path, const TensorFile& file,
                        const LoadOptions& options) {
  const FoundEncoder found = find_encoder(path, file, options.average);
  std::optional<Stem> stem = options.stem;
  const bool asks = !says_what_it_is(file) && shape_of(found, file.tensors()).stem_kernel == 3;
  if (asks && !stem && settings.stem != Stem::kImageNet) stem = settings.stem;
  const EncoderInfo info = describe_encoder(path, file, found, stem);
  if (info.model.arch != settings.arch || info.model.width != settings.width ||
      info.model.stem != settings.stem) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} holds {}; the model is {}", path.string(), describe(info.model),
                            describe(settings)),
                fmt::format("Say --model {} --width {} --stem {}, or give another file.",
                            name_of(info.model.arch), info.model.width, name_of(info.model.stem)));
  }
  return load_found(model, path, file, found, options);
}

OpenedEncoder open_encoder(const std::filesystem::path& path, const LoadOptions& options) {
  const TensorFile file = TensorFile::read(path);
  const FoundEncoder found = find_encoder(path, file, options.average);
  EncoderInfo info = describe_encoder(path, file, found, options.stem);
  info.model.engine = options.engine;
  SimclrModel model = SimclrModel::contrastive(info.model, 0);
  LoadReport report = load_found(model, path, file, found, options);
  model.set_training(false);
  std::optional<LinearClassifier> classifier = classifier_of(file, found, model.feature_width());
  return {std::move(model), std::move(info), std::move(report), std::move(classifier)};
}

}  // namespace simclr
