#pragma once

#include <cstddef>
#include <filesystem>

#include "simclr/weights/export.h"

namespace simclr {

struct ConvertOptions {
  LoadOptions load;         ///< to ONNX: how the encoder is opened
  bool fold_norms = false;  ///< to ONNX, as in ExportOptions
  bool pixels = false;      ///< to ONNX, as in ExportOptions
};

struct Converted {
  std::size_t tensors = 0;            ///< written, read back and found equal to the bit
  std::optional<ExportResult> check;  ///< to ONNX: what running it showed
};

/// Writes what is in a file of weights in another format, which `to` names by its ending. Between
/// safetensors and .pth every tensor and text is kept (dicts within dicts as dotted names); from
/// ONNX the initializers, with the counters of batches; to ONNX the encoder with its classifier.
/// @throws Error(kData) if `from` cannot be read, or to ONNX holds no encoder; Error(kFailed) if
/// `to` cannot be written, its format lacks a dtype, or it is not read back as it was written
Converted convert_file(const std::filesystem::path& from, const std::filesystem::path& to,
                       const ConvertOptions& options = {});

}  // namespace simclr
