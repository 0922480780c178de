#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

namespace simclr {

/// The whole file as bytes.
/// @param kind  what is expected, for the hint: "a .safetensors file"
/// @throws Error(kData) naming the file if it cannot be read
std::vector<std::byte> read_whole_file(const std::filesystem::path& path, std::string_view kind);

}  // namespace simclr
