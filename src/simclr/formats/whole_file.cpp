#include "simclr/formats/whole_file.h"

#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <system_error>

#include "simclr/core/error.h"

namespace simclr {

std::vector<std::byte> read_whole_file(const std::filesystem::path& path, std::string_view kind) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (failure) {
    throw Error(ExitCode::kData,
                fmt::format("{}: cannot read: {}", path.string(), failure.message()),
                fmt::format("Give the path of {}.", kind));
  }
  std::vector<std::byte> bytes(size);
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!in) {
    throw Error(ExitCode::kData, fmt::format("{}: cannot be read to its end", path.string()),
                "Check the permissions and the disk.");
  }
  return bytes;
}

}  // namespace simclr
