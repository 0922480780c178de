#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace simclr {

/// Writes u8 [height, width, 3] as an 8-bit RGB PNG, atomically. @throws Error(kFailed) if it
/// cannot be written
void write_png(const std::filesystem::path& path, std::span<const std::uint8_t> pixels, int height,
               int width);

}  // namespace simclr
