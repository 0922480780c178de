#pragma once

#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace simclr {

/// What tests/golden/make_pickles.py wrote.
inline nlohmann::json golden_pickles() {
  std::ifstream in(std::string(SIMCLR_GOLDEN_DIR) + "/pickles.json");
  return nlohmann::json::parse(in);
}

inline std::vector<std::uint8_t> from_base64(const std::string& text) {
  std::vector<std::uint8_t> bytes(text.size() / 4 * 3);
  EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  bytes.resize(bytes.size() - static_cast<std::size_t>(std::count(text.begin(), text.end(), '=')));
  return bytes;
}

inline std::vector<std::uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

}  // namespace simclr
