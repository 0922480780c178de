#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "simclr/formats/tensor_file.h"
#include "simclr/model/simclr_model.h"
#include "simclr/weights/encoder_info.h"
#include "simclr/weights/load_encoder.h"
#include "simclr/weights/onnx_encoder.h"

namespace simclr {

/// Metadata of an ONNX model: num_batches_tracked of each norm, which its graph has no place for.
inline constexpr const char* kOnnxCounters = "counters";

/// Whether outputs that differ by so much are those of the same encoder, summed in f32 in another
/// order: up to 1e-4 of the largest output, or of 1 if that is less. NaN is not.
bool is_same_output(double difference, double largest);

struct ExportOptions {
  TensorFormat format = TensorFormat::kSafetensors;
  bool head = false;        ///< the projection head too: "head.0.weight" ...
  bool fold_norms = false;  ///< ONNX: batch norms into the convolutions before them
  bool pixels = false;      ///< ONNX: takes u8 [batch, S, S, 3], the preprocessing inside
  std::optional<LinearClassifier> classifier = std::nullopt;  ///< as "fc.weight" and "fc.bias"
};

struct ExportResult {
  std::size_t tensors = 0;
  /// Between the outputs of the file, read back, and those of the model: absolute, over the images
  /// that it was checked with.
  double largest_difference = 0.0;
  double largest_value = 0.0;  ///< of the model's outputs, to judge the difference by
  std::string checked_by;      ///< what computed the file's outputs
  /// What it was checked with, and what the model gave for it: for other programs to be checked by.
  std::map<std::string, at::Tensor> inputs;
  std::map<std::string, at::Tensor> expected;
};

/// Writes an encoder under torchvision's names, reads it back, and computes the outputs of some
/// images with both; only then the file gets its name.
/// @param metadata  beside that of `info` (to_metadata): settings, accuracies ...
/// @throws Error(kUsage) for options that the format does not have; Error(kFailed) if it cannot be
/// written, or if the outputs differ by more than 1e-4 of the largest (nothing is left then)
ExportResult export_encoder(const std::filesystem::path& path, SimclrModel& model,
                            const EncoderInfo& info, const ExportOptions& options,
                            const std::map<std::string, std::string>& metadata = {});

/// The state that is exported: encoder, and what the options ask for.
EncoderState export_state(const SimclrModel& model, const ExportOptions& options);

/// Images to check with: u8 [count, side, side, 3], the same each time.
at::Tensor check_pixels(std::int64_t count, std::int64_t side);
/// ... as a model takes them: f32 [count, 3, side, side].
at::Tensor normalised(const at::Tensor& pixels, Normalization normalization);

/// The Python lines that build the module into which a state loads strictly, `model`:
/// torchvision's, its stem and width changed where the encoder's are others; fc is Identity where
/// the state has none, and a projection head stands beside it as `model.head`.
std::string python_lines(const ModelSettings& model, const EncoderState& state);

}  // namespace simclr
