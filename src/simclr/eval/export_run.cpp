#include "simclr/eval/export_run.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/version.h"
#include "simclr/data/open.h"
#include "simclr/eval/features.h"
#include "simclr/eval/linear_probe.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/run_folder.h"
#include "simclr/train/trainer.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kLicence =
    "The weights belong to whoever trained them; simclr.cpp (Apache-2.0) lays no claim to them. "
    "The "
    "terms of the images they were trained on may apply.";

std::filesystem::path checkpoint_of(const ExportRunOptions& options, const RunFolder& run) {
  const std::filesystem::path path = run.checkpoint(options.checkpoint);
  if (std::filesystem::exists(path)) return path;
  throw Error(ExitCode::kUsage, fmt::format("{}: there is no such checkpoint", path.string()),
              "Train first: `simclr pretrain --out` writes it after every epoch.");
}

/// The lines of results.jsonl that scored these very weights: protocol, accuracy, words.
std::string accuracies_of(const RunFolder& run, const std::string& sha256) {
  Json found = Json::array();
  std::ifstream in(run.results());
  for (std::string line; std::getline(in, line);) {
    const Json result = Json::parse(line, nullptr, false);
    if (!result.is_object() || !result.contains("encoder_sha256") ||
        result["encoder_sha256"] != sha256)
      continue;
    Json kept;
    for (const char* key : {"protocol", "data", "test_images", "test_accuracy",
                            "validation_accuracy", "protocol_text"})
      if (result.contains(key)) kept[key] = result[key];
    found.push_back(kept);
  }
  return found.empty() ? "" : found.dump();
}

LinearClassifier probe(SimclrModel& model, const DataSplits& data, const Settings& settings,
                       EventSink& sink, double& accuracy) {
  require_labels(data, "--with-linear");
  const FeatureSplits features = extract_splits(
      embedding_of(model, ScoredVectors::kFeatures, data.image_size, "trained encoder"), data,
      settings.augment.normalization, settings.run.workers, sink);
  const LinearResult result = linear_probe(
      features, static_cast<std::int64_t>(data.class_names.size()), settings.linear, sink);
  accuracy = result.test.top1;
  return {result.weight, result.bias};
}

std::map<std::string, std::string> metadata_of(const ExportRunOptions& options,
                                               const RunFolder& run, const Settings& settings,
                                               const ExportedRun& exported) {
  std::map<std::string, std::string> metadata{
      {"settings", to_yaml(settings)},
      {"objective", std::string(name_of(settings.train.objective))},
      {"checkpoint", options.checkpoint},
      {"weights", options.average ? "ema" : "as trained"},
      {"encoder_sha256", exported.encoder_sha256},
      {"version", std::string(version())},
      {"commit", std::string(commit())},
      {"licence", kLicence}};
  const std::string accuracies = accuracies_of(run, exported.encoder_sha256);
  if (!accuracies.empty()) metadata["accuracies"] = accuracies;
  if (exported.probe_accuracy) {
    metadata["classifier"] = fmt::format(
        "fc: logistic regression on features as they are, L-BFGS, L2 chosen on validation images; "
        "test accuracy {:.4f}",
        *exported.probe_accuracy);
  }
  return metadata;
}

}  // namespace

std::filesystem::path export_place(const ExportRunOptions& options) {
  const RunFolder run = RunFolder::open(options.run);
  std::filesystem::path path = options.out;
  if (path.empty()) {
    const TensorFormat format = options.how.format;
    const char* ending = format == TensorFormat::kOnnx      ? "onnx"
                         : format == TensorFormat::kPytorch ? "pth"
                                                            : "safetensors";
    path = run.path() / "exports" / fmt::format("encoder.{}", ending);
  }
  if (std::filesystem::exists(path) && !options.overwrite) {
    throw Error(ExitCode::kUsage, fmt::format("{} exists", path.string()),
                "Replace it by --overwrite, or name another --out.");
  }
  return path;
}

ExportedRun export_run(const ExportRunOptions& options, EventSink& sink) {
  const RunFolder run = RunFolder::open(options.run);
  const Settings settings = run.settings();
  const std::filesystem::path checkpoint = checkpoint_of(options, run);
  ExportedRun exported;
  exported.path = export_place(options);
  const std::filesystem::path exports = run.path() / "exports";
  if (exported.path.parent_path() == exports) std::filesystem::create_directories(exports);

  const DataSplits data = open_data(settings.data, sink);
  SimclrModel model = make_model(settings, data);
  const Weights weights = options.average ? Weights::kAverage : Weights::kTrained;
  EncoderInfo info;
  info.epochs = load_model(checkpoint, model, weights);
  info.model = settings.model;
  info.normalization = settings.augment.normalization;
  info.image_size = data.image_size;
  info.classes = data.class_names;
  info.data = settings.data.source;
  exported.encoder_sha256 = encoder_sha256(model);

  ExportOptions how = options.how;
  if (options.linear) {
    double accuracy = 0.0;
    how.classifier = probe(model, data, settings, sink, accuracy);
    exported.probe_accuracy = accuracy;
  }
  exported.result = export_encoder(exported.path, model, info, how,
                                   metadata_of(options, run, settings, exported));
  exported.python = TensorFile::read(exported.path).metadata().at("python");
  return exported;
}

}  // namespace simclr
