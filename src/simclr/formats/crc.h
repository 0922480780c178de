#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace simclr {

namespace detail {

constexpr std::array<std::uint32_t, 256> crc_table(std::uint32_t polynomial) {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? polynomial : 0U);
    table[byte] = crc;
  }
  return table;
}

template <std::uint32_t kPolynomial>
std::uint32_t crc_of(std::span<const std::uint8_t> bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table(kPolynomial);
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xFFU];
  return ~crc;
}

}  // namespace detail

/// The checksum of zip and PNG (polynomial 0x04C11DB7, reflected).
inline std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  return detail::crc_of<0xEDB88320U>(bytes);
}

/// The checksum of TFRecord: CRC-32C, Castagnoli (polynomial 0x1EDC6F41, reflected). RFC 3720,
/// appendix B.4.
inline std::uint32_t crc32c(std::span<const std::uint8_t> bytes) {
  return detail::crc_of<0x82F63B78U>(bytes);
}

}  // namespace simclr
