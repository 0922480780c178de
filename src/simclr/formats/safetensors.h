#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "simclr/formats/tensor_entry.h"

namespace simclr {

/// Writes a safetensors file atomically: tensors by name, metadata sorted, no timestamps, so that
/// equal content gives equal bytes. Metadata that is not UTF-8 is made so.
/// @throws Error(kFailed) if it cannot be written, or if an entry's bytes do not match its dtype
/// and shape
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorEntry>& tensors,
                       const std::map<std::string, std::string>& metadata);

/// A safetensors file, read whole and checked: header size, JSON, dtypes, shapes that overflow,
/// offsets that overlap, leave gaps or escape. Entries point into the file's own buffer.
/// https://huggingface.co/docs/safetensors (format)
class SafetensorsFile {
 public:
  /// @throws Error(kData) naming the file and what is wrong with it
  static SafetensorsFile read(const std::filesystem::path& path);

  // A copy's entries would point into the original.
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;
  SafetensorsFile(SafetensorsFile&&) = default;
  SafetensorsFile& operator=(SafetensorsFile&&) = default;

  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  SafetensorsFile() = default;

  std::vector<std::byte> bytes_;
  std::map<std::string, TensorEntry> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace simclr
