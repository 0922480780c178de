#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "simclr/formats/tensor_entry.h"

namespace simclr {

/// A file that PyTorch's torch.save wrote (1.6 or newer: a zip archive), read whole and checked.
/// Nothing in it is executed: its pickle may name only tensors, parameters, OrderedDict and a few
/// plain types. Takes up to twice the file's size in memory, and its pickle's values.
///
/// Dicts and lists within each other become dotted names ("optimizer.state.0.exp_avg"). Tensors
/// point into the file's own buffer, so that those that share a storage still do, and need not be
/// aligned; views that are not contiguous are copied. Dtypes that safetensors does not have get
/// names in its manner: C32, C64, C128, F8_E4M3FNUZ, F8_E5M2FNUZ, F8_E8M0.
class PytorchFile {
 public:
  /// @throws Error(kData) naming the file and what is wrong with it; for TorchScript, for whole
  /// pickled modules and for the format before 1.6 with the way to convert them
  static PytorchFile read(const std::filesystem::path& path);

  // A copy's entries would point into the original.
  PytorchFile(const PytorchFile&) = delete;
  PytorchFile& operator=(const PytorchFile&) = delete;
  PytorchFile(PytorchFile&&) = default;
  PytorchFile& operator=(PytorchFile&&) = default;

  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }

  /// What is no tensor: texts as they are; numbers, booleans, None and lists of them as JSON; the
  /// texts that write_pytorch() was given as metadata.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  PytorchFile() = default;

  std::vector<std::byte> bytes_;
  std::vector<std::vector<std::byte>> copies_;  ///< of views that are not contiguous
  std::map<std::string, TensorEntry> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes a file for torch.load(weights_only=True), atomically: an OrderedDict of the tensors in
/// this order, each with a storage of its own at a multiple of 64 bytes. Equal content gives equal
/// bytes. The metadata becomes a dict of texts, the OrderedDict's attribute `metadata`, where
/// load_state_dict(strict=True) does not see it.
/// @throws Error(kFailed) if it cannot be written, if an entry's bytes do not match its dtype and
/// shape, if PyTorch lacks its dtype, if a name comes twice, or beyond 4 GB
void write_pytorch(const std::filesystem::path& path,
                   const std::vector<std::pair<std::string, TensorEntry>>& tensors,
                   const std::map<std::string, std::string>& metadata = {});

}  // namespace simclr
