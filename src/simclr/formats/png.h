#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace simclr {

/// u8 [height, width, 3] as the bytes of an 8-bit RGB PNG. @throws Error(kFailed) if it is none
std::string encode_png(std::span<const std::uint8_t> pixels, int height, int width);

/// Writes encode_png(), atomically. @throws Error(kFailed) if it cannot be written
void write_png(const std::filesystem::path& path, std::span<const std::uint8_t> pixels, int height,
               int width);

}  // namespace simclr
