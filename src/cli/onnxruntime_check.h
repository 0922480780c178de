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

/// Lets ONNX Runtime compute what the model was checked with, by a Python that has it; then gives
/// the model its name, under which an older one stood until now.
/// @param model   in the folder of `path`, with what it was checked with in `result`
/// @param python  "python3", a path, or "none"
/// @return nothing where no such Python is found
/// @throws Error(kFailed) if ONNX Runtime refuses the model, or computes other outputs
/// (is_same_output): it is then removed, and `path` is as it was
std::optional<OnnxruntimeCheck> check_and_place(const std::filesystem::path& model,
                                                const std::filesystem::path& path,
                                                const ExportResult& result,
                                                const std::string& python);

/// A name beside `path`, of the same ending, for a model until ONNX Runtime has run it.
std::filesystem::path unchecked_place(const std::filesystem::path& path);

}  // namespace simclr::cli
