#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "simclr/weights/export.h"

namespace simclr {

struct ConvertOptions {
  LoadOptions load;         ///< to ONNX: how the encoder is opened
  bool fold_norms = false;  ///< to ONNX, as in ExportOptions
  bool pixels = false;      ///< to ONNX, as in ExportOptions
  /// To ONNX: how images were normalised, of a file that does not say.
  std::optional<Normalization> normalization = std::nullopt;
};

struct Converted {
  std::size_t tensors = 0;            ///< written, read back and found equal to the bit
  std::optional<ExportResult> check;  ///< to ONNX: what running it showed
};

/// Writes what is in a file of weights in another format, which `to` names by its ending. Between
/// safetensors and .pth every tensor and text is kept (dicts within dicts as dotted names); from
/// ONNX the initializers, with the counters of batches; to ONNX the encoder with its classifier.
/// @throws Error(kData) if `from` cannot be read, or to ONNX holds no encoder; Error(kFailed) if
/// `to` cannot be written, its format lacks a dtype, or it is not read back as it was written;
/// Error(kUsage) if `pixels` are to be normalised and nothing says how
Converted convert_file(const std::filesystem::path& from, const std::filesystem::path& to,
                       const ConvertOptions& options = {});

}  // namespace simclr
