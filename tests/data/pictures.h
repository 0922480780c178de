#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "simclr/core/events.h"
#include "simclr/data/dataset.h"

namespace simclr {

/// A PPM of height x width whose pixels follow from `seed`.
inline std::string picture_bytes(int seed, int height = 4, int width = 4) {
  std::string bytes = fmt::format("P6\n{} {}\n255\n", width, height);
  const auto key = static_cast<unsigned>(seed);
  const auto values = static_cast<unsigned>(height * width * 3);
  for (unsigned i = 0; i < values; ++i)
    bytes += static_cast<char>((i * 31 + key * 97 + i * i * key) % 256);
  return bytes;
}

/// Its pixels alone.
inline std::vector<std::uint8_t> picture_pixels(int seed, int height = 4, int width = 4) {
  const std::string bytes = picture_bytes(seed, height, width);
  return {bytes.end() - height * width * 3, bytes.end()};
}

/// Makes the folders on the way, too.
inline void put_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::vector<std::uint8_t> pixels_of(const Image& image) {
  return {image.pixels.begin(), image.pixels.end()};
}

/// Keeps what it is told.
class KeepingSink final : public EventSink {
 public:
  void message(std::string_view line) override { text += std::string(line) + "\n"; }
  void progress(std::string_view task, std::int64_t done, std::int64_t total,
                std::string_view /*rate_text*/) override {
    tasks[std::string(task)] = {done, total};
  }

  std::string text;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> tasks;
};

}  // namespace simclr
