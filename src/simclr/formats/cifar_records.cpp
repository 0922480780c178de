#include <fmt/format.h>

#include <sstream>

#include "simclr/core/error.h"
#include "simclr/formats/cifar_layout.h"

namespace simclr::detail {
namespace {

// A pickle has a label and a file name beside each record, and its names and opcodes. Rewritten by
// Python 3 in an old protocol, its pixels are UTF-8: two bytes from 128 on.
constexpr std::size_t kMostPickleGrowth = 2;
constexpr std::size_t kMostPickleBytesPerRecord = 200;
constexpr std::size_t kMostPickleBytesBeside = 65536;

}  // namespace

void fail_cifar(const std::string& message, const CifarKind& kind) {
  throw Error(
      ExitCode::kData, message,
      fmt::format("Fetch {} (MD5 {}) again from https://www.cs.toronto.edu/~kriz/cifar.html "
                  "and give it, or the folder unpacked from it, with --data PATH.",
                  kind.archive, kind.md5));
}

CifarFileSize cifar_file_size(const CifarKind& kind, std::size_t records) {
  const std::size_t bytes = records * (kind.label_bytes + kCifarPixelBytes);
  if (!kind.pickled) return {bytes, bytes};
  return {bytes,
          kMostPickleGrowth * bytes + records * kMostPickleBytesPerRecord + kMostPickleBytesBeside};
}

CifarRecords read_cifar_records(const CifarKind& kind, std::span<const std::uint8_t> bytes,
                                std::size_t records) {
  const std::size_t stride = kind.label_bytes + kCifarPixelBytes;
  CifarRecords result{{}, bytes.data() + kind.label_bytes, stride};
  for (std::size_t i = 0; i < records; ++i) {
    result.labels.push_back(bytes[i * stride + kind.label_bytes - 1]);
  }
  return result;
}

std::vector<std::string> read_cifar_names(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  return names;
}

}  // namespace simclr::detail
