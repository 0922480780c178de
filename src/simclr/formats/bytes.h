#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace simclr {

/// The unsigned number in `count` <= 4 bytes from `at` on; none where they are not all there.
inline std::optional<std::uint32_t> number_at(std::span<const std::uint8_t> bytes, std::size_t at,
                                              std::size_t count,
                                              std::endian order = std::endian::little) {
  if (at > bytes.size() || count > bytes.size() - at) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = order == std::endian::big ? count - 1 - i : i;
    number |= std::uint32_t{bytes[at + i]} << (8 * place);
  }
  return number;
}

/// Does `text` stand at `at`?
inline bool stands_at(std::span<const std::uint8_t> bytes, std::size_t at, std::string_view text) {
  if (at > bytes.size() || text.size() > bytes.size() - at) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (bytes[at + i] != static_cast<std::uint8_t>(text[i])) return false;
  }
  return true;
}

}  // namespace simclr
