#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace simclr {

/// One tensor of a file of weights. `dtype` has safetensors' name: F32, F64, I64, U8, ...
struct TensorEntry {
  std::string dtype;
  std::vector<std::int64_t> shape;
  const void* data = nullptr;  ///< little-endian, contiguous, row-major
  std::size_t bytes = 0;
};

/// Bytes of a tensor of this shape, or nothing if a side is negative or the product overflows.
inline std::optional<std::uint64_t> shape_bytes(const std::vector<std::int64_t>& shape,
                                                std::uint64_t element_bytes) {
  std::uint64_t bytes = element_bytes;
  for (const std::int64_t side : shape) {
    if (side < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(side), &bytes))
      return std::nullopt;
  }
  return bytes;
}

}  // namespace simclr
