#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simclr/formats/tensor_entry.h"

namespace simclr {

/// Files of named tensors.
enum class TensorFormat { kSafetensors, kPytorch, kOnnx };

/// "safetensors", "pytorch", "onnx".
std::string_view format_name(TensorFormat format);

/// By a file's ending: .safetensors; .pth, .pt; .onnx. @throws Error(kUsage) for another one
TensorFormat format_of_name(const std::filesystem::path& path);

/// A file of named tensors, whatever its format, which its first bytes tell, not its name. Read
/// whole and checked as SafetensorsFile, PytorchFile and read_onnx() do. An ONNX model's tensors
/// are its initializers. Entries live as long as any copy of the file.
class TensorFile {
 public:
  /// @throws Error(kData) naming the file and what is wrong with it
  static TensorFile read(const std::filesystem::path& path);

  TensorFormat format() const { return format_; }
  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }
  /// What is no tensor, as text.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  TensorFile() = default;

  TensorFormat format_ = TensorFormat::kSafetensors;
  std::shared_ptr<const void> owner_;  ///< of the bytes
  std::map<std::string, TensorEntry> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes safetensors or .pth, atomically. @throws Error(kFailed) if it cannot be written or the
/// format lacks a tensor's dtype; Error(kUsage) for ONNX, which needs a network
void write_tensor_file(const std::filesystem::path& path, TensorFormat format,
                       const std::vector<std::pair<std::string, TensorEntry>>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace simclr
