#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "simclr/weights/export.h"

namespace simclr::cli {

struct OnnxruntimeCheck {
  std::string version;
  double largest_difference = 0.0;
};

/// Lets ONNX Runtime compute what the model was checked with, by a Python that has it.
/// @param python  "python3", a path, or "none"
/// @return nothing where no such Python is found
/// @throws Error(kFailed) if ONNX Runtime refuses the model, or computes other outputs
/// (is_same_output); the model is then removed
std::optional<OnnxruntimeCheck> check_by_onnxruntime(const std::filesystem::path& model,
                                                     const ExportResult& result,
                                                     const std::string& python);

}  // namespace simclr::cli
