#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simclr/formats/image.h"
#include "tests/formats/make_images.h"

namespace simclr {

/// One picture of tests/golden/make_images.py.
struct GoldenImage {
  std::string name;
  FileBytes file;
  ImageSize size;
  std::string sha256;  ///< of the pixels as stored
  ImageSize turned_size;
  std::string turned_sha256;  ///< of the pixels as EXIF wants them seen
};

inline FileBytes from_base64(const std::string& text) {
  FileBytes bytes(text.size() / 4 * 3);
  EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  bytes.resize(bytes.size() - static_cast<std::size_t>(std::ranges::count(text, '=')));
  return bytes;
}

inline std::vector<GoldenImage> golden_images() {
  std::ifstream in(SIMCLR_GOLDEN_DIR "/images.json");
  const auto size_of = [](const nlohmann::json& shape) {
    return ImageSize{shape.at(0), shape.at(1)};
  };
  std::vector<GoldenImage> images;
  for (const auto& entry : nlohmann::json::parse(in)) {
    images.push_back({entry.at("name"), from_base64(entry.at("file")), size_of(entry.at("shape")),
                      entry.at("sha256"), size_of(entry.at("turned_shape")), entry.at("turned")});
  }
  return images;
}

/// The file of one of them.
inline FileBytes golden_file(const std::string& name) {
  for (auto& image : golden_images()) {
    if (image.name == name) return image.file;
  }
  ADD_FAILURE() << "no picture " << name;
  return {};
}

}  // namespace simclr
