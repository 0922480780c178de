#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace simclr::cli {

/// Pictures to make views of: u8 RGB pixels, or JPEG files that are decoded for every view.
struct BenchPictures {
  std::vector<std::vector<std::uint8_t>> pictures;
  int height = 0;
  int width = 0;
  bool jpeg = false;

  nlohmann::json to_json() const;  ///< bytes as hexadecimal digits
};

/// Photo-like: a few smooth gradients and edges under fine noise, the same every time.
BenchPictures synthetic_pictures(int count, int height, int width);

/// The same as baseline JPEGs of quality 90, colour at half resolution.
BenchPictures as_jpegs(const BenchPictures& pixels);

/// One JPEG file. @throws Error(kData) if it is none
BenchPictures read_jpeg(const std::string& path);

}  // namespace simclr::cli
