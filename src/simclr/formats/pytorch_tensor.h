#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simclr/formats/pickle.h"
#include "simclr/formats/pytorch_dtype.h"
#include "simclr/formats/tensor_entry.h"
#include "simclr/formats/zip.h"

namespace simclr::detail {

/// The globals that a state_dict of PyTorch names. Sets and torch.Size come as lists and tuples, a
/// device as its text.
PickleAllowList pytorch_globals();

/// Is this how torch.save writes a tensor or a parameter?
bool is_tensor(const PickleObject& object);

/// Turns what a pickle says about tensors into entries, their bytes from the archive.
class TensorReader {
 public:
  /// @param folder    of the archive, "archive/"
  /// @param file      its name, for messages
  /// @param copies    gets the bytes of views that are not contiguous: together at most as many as
  ///                  the archive has
  TensorReader(const ZipEntries& entries, std::string_view folder, std::string_view file,
               std::size_t archive_bytes, std::vector<std::vector<std::byte>>& copies)
      : entries_(entries),
        folder_(folder),
        file_(file),
        copy_bytes_left_(archive_bytes),
        copies_(copies) {}

  /// @param object  is_tensor()
  /// @throws Error(kData) naming the file, the tensor and what is wrong
  TensorEntry read(const std::string& name, const PickleObject& object);

 private:
  struct Storage;
  struct View;

  TensorEntry read_view(const std::string& name, const PickleObject& object);
  Storage storage_of(const std::string& name, const PickleValue& id) const;
  View view_of(const std::string& name, const std::vector<PickleValue>& args) const;
  void check_within(const std::string& name, const View& view, std::uint64_t elements) const;
  TensorEntry copied(const std::string& name, const View& view, const Storage& storage,
                     TensorEntry entry);

  [[noreturn]] void fail(const std::string& name, std::string_view what,
                         std::string_view hint = "") const;

  const ZipEntries& entries_;
  std::string_view folder_;
  std::string_view file_;
  std::uint64_t copy_bytes_left_;
  std::vector<std::vector<std::byte>>& copies_;
};

}  // namespace simclr::detail
