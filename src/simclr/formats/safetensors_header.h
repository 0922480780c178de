#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace simclr::detail {

/// A tensor as the header of a .safetensors file describes it; its numbers are not yet checked
/// against each other.
struct DescribedTensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  ///< in the file's data
  std::uint64_t end = 0;
};

struct SafetensorsHeaderSink {
  std::function<void(const std::string& name, DescribedTensor tensor)> add;
  std::function<void(const std::string& key, std::string value)> add_metadata;
  /// Throws. @param what  is wrong: "its header is not valid JSON"
  std::function<void(const std::string& what)> fail;
};

/// Takes a header apart, tensor by tensor. Needs no memory of its own, and time that grows with the
/// header alone. Names that come twice within a tensor, or __metadata__ twice, are refused; of
/// whole tensors and keys of metadata `sink` sees each.
void read_safetensors_header(std::string_view text, const SafetensorsHeaderSink& sink);

}  // namespace simclr::detail
