#include "simclr/weights/export.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "simclr/augment/presets.h"
#include "simclr/core/error.h"
#include "simclr/core/random.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr std::int64_t kCheckImages = 5;
constexpr std::int64_t kCheckSide = 32;  // where the images' side is not known
constexpr std::string_view kCounter = "num_batches_tracked";

using Outputs = std::map<std::string, at::Tensor>;
using Metadata = std::map<std::string, std::string>;

/// The model's own outputs for the images: what each file must give.
Outputs model_outputs(SimclrModel& model, const EncoderState& state, const at::Tensor& images) {
  const c10::NoGradGuard no_grad;
  model.set_training(false);
  Outputs outputs;
  const at::Tensor features = model.encode(images);
  if (state.contains("fc.weight"))
    outputs["scores"] = at::linear(features, state.at("fc.weight"), state.at("fc.bias"));
  else
    outputs["features"] = features;
  if (state.contains("head.0.weight")) outputs["projections"] = model.project(features);
  return outputs;
}

/// Every tensor of the state is in the file, to the bit.
void check_bytes(const std::filesystem::path& path, const EncoderState& state) {
  const TensorFile file = TensorFile::read(path);
  for (const auto& [name, tensor] : state) {
    const auto found = file.tensors().find(name);
    const TensorEntry ours = to_entry(tensor);
    if (found != file.tensors().end() && found->second.dtype == ours.dtype &&
        found->second.shape == ours.shape &&
        std::memcmp(found->second.data, ours.data, ours.bytes) == 0)
      continue;
    throw Error(ExitCode::kFailed, fmt::format("'{}' was not read back as it was written", name),
                "The disk may be damaged; write to another place.");
  }
}

/// The outputs of the file, opened from nothing else, by LibTorch's arithmetic.
Outputs file_outputs(const std::filesystem::path& path, const at::Tensor& images) {
  OpenedEncoder opened = open_encoder(path, {.engine = EngineKind::kTorch});
  EncoderState classifier;
  if (opened.classifier)
    classifier = {{"fc.weight", opened.classifier->weight}, {"fc.bias", opened.classifier->bias}};
  return model_outputs(opened.model, classifier, images);
}

/// The largest difference over the outputs that the file gives.
ExportResult compare(const Outputs& expected, const Outputs& found) {
  ExportResult result;
  for (const auto& [name, values] : found) {
    const at::Tensor& ours = expected.at(name);
    const double difference = (ours - values).abs().max().item<double>();
    const double largest = ours.abs().max().item<double>();
    if (!is_same_output(difference, largest)) {
      throw Error(ExitCode::kFailed,
                  fmt::format("the file's {} differ from the model's by {:.3g}, where they are up "
                              "to {:.3g}: nothing was written",
                              name, difference, largest),
                  "`simclr inspect` on the checkpoint shows weights that are not finite.");
    }
    result.largest_difference = std::max(result.largest_difference, difference);
    result.largest_value = std::max(result.largest_value, largest);
  }
  return result;
}

void check_options(const ExportOptions& options) {
  if (options.format == TensorFormat::kOnnx) return;
  if (options.fold_norms || options.pixels) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} holds weights, not operations: norms cannot be folded in it, nor "
                            "images be prepared",
                            format_name(options.format)),
                "Leave these options out, or export to ONNX.");
  }
}

/// num_batches_tracked has no place in an ONNX graph: it goes with the metadata.
std::string counters_of(const EncoderState& state) {
  nlohmann::json counters = nlohmann::json::object();
  for (const auto& [name, tensor] : state)
    if (name.ends_with(kCounter)) counters[name] = tensor.item<std::int64_t>();
  return counters.dump();
}

/// What is exported, and what it is checked with.
struct Job {
  const EncoderInfo& info;
  const ExportOptions& options;
  EncoderState state;
  Metadata metadata;
  at::Tensor pixels;  ///< u8 [n, S, S, 3]
  at::Tensor images;  ///< the same, f32 [n, 3, S, S]
  Outputs expected;
};

ExportResult write_onnx_checked(const std::filesystem::path& path, const Job& job) {
  const ExportOptions& options = job.options;
  OnnxGraph graph = onnx_encoder(
      job.state, {job.info.model.stem, job.info.image_size, options.fold_norms, options.pixels,
                  job.info.normalization.value_or(Normalization::kNone)});
  graph.metadata = job.metadata;
  graph.metadata[kOnnxCounters] = counters_of(job.state);
  if (options.fold_norms) graph.metadata["folded"] = "true";
  write_onnx(path, graph);
  const Outputs inputs{
      {options.pixels ? "pixels" : "images", options.pixels ? job.pixels : job.images}};
  ExportResult result = compare(job.expected, run_onnx(read_onnx(path), inputs));
  result.inputs = inputs;
  result.expected = job.expected;
  result.checked_by = "the graph, read back and run by LibTorch";
  return result;
}

ExportResult write_tensors_checked(const std::filesystem::path& path, const Job& job) {
  std::vector<std::pair<std::string, TensorEntry>> tensors;
  for (const auto& [name, tensor] : job.state) tensors.emplace_back(name, to_entry(tensor));
  write_tensor_file(path, job.options.format, tensors, job.metadata);
  check_bytes(path, job.state);
  ExportResult result = compare(job.expected, file_outputs(path, job.images));
  result.checked_by = "the file, opened anew and run by LibTorch";
  return result;
}

}  // namespace

bool is_same_output(double difference, double largest) {
  return difference <= 1e-4 * std::max(1.0, largest);
}

EncoderState export_state(const SimclrModel& model, const ExportOptions& options) {
  constexpr std::string_view kEncoder = "encoder.";
  EncoderState state;
  for (auto& [name, tensor] : state_of(model)) {
    if (name.starts_with(kEncoder))
      state[name.substr(kEncoder.size())] = tensor;
    else if (name == "head.weight" || name == "head.bias")
      state["fc" + name.substr(4)] = tensor;
    else if (options.head)
      state[name] = tensor;
  }
  const bool wants_fc = options.classifier || options.head;
  if (!wants_fc)
    std::erase_if(state, [](const auto& item) { return item.first.starts_with("fc."); });
  if (options.classifier) {
    state["fc.weight"] = options.classifier->weight.to(at::kFloat).contiguous();
    state["fc.bias"] = options.classifier->bias.to(at::kFloat).contiguous();
  }
  return state;
}

at::Tensor check_pixels(std::int64_t count, std::int64_t side) {
  at::Tensor pixels = at::empty({count, side, side, 3}, at::kByte);
  Random random(RandomKey{.seed = 1, .purpose = Purpose::kView});
  auto* bytes = pixels.data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < pixels.numel(); ++i)
    bytes[i] = static_cast<std::uint8_t>(255.0F * random.uniform(0.0F, 1.0F));
  return pixels;
}

at::Tensor normalised(const at::Tensor& pixels, Normalization normalization) {
  const ChannelStatistics statistics = channel_statistics(normalization);
  const at::Tensor mean = at::tensor(at::ArrayRef<float>(statistics.mean));
  const at::Tensor deviation = at::tensor(at::ArrayRef<float>(statistics.deviation));
  return ((pixels.to(at::kFloat) / 255.0 - mean) / deviation).permute({0, 3, 1, 2});
}

ExportResult export_encoder(const std::filesystem::path& path, SimclrModel& model,
                            const EncoderInfo& info, const ExportOptions& options,
                            const std::map<std::string, std::string>& metadata) {
  check_options(options);
  Job job{info, options, export_state(model, options), to_metadata(info), {}, {}, {}};
  job.metadata.insert(metadata.begin(), metadata.end());
  job.metadata["python"] = python_lines(info.model, job.state);
  job.pixels = check_pixels(kCheckImages, info.image_size > 0 ? info.image_size : kCheckSide);
  job.images = normalised(job.pixels, info.normalization.value_or(Normalization::kNone));
  job.expected = model_outputs(model, job.state, job.images);

  const std::filesystem::path unchecked = path.string() + ".unchecked";
  try {
    const bool onnx = options.format == TensorFormat::kOnnx;
    ExportResult result =
        onnx ? write_onnx_checked(unchecked, job) : write_tensors_checked(unchecked, job);
    result.tensors = job.state.size();
    std::filesystem::rename(unchecked, path);
    return result;
  } catch (...) {
    std::filesystem::remove(unchecked);
    throw;
  }
}

}  // namespace simclr
