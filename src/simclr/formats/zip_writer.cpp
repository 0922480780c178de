#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "simclr/core/error.h"
#include "simclr/formats/crc.h"
#include "simclr/formats/zip.h"

namespace simclr {
namespace {

constexpr std::size_t kLocalHeader = 30;  // bytes, without name and padding
constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max() - 1;
constexpr std::uint64_t kVersion = 20;
constexpr std::uint64_t kUtf8Name = 1U << 11;
constexpr std::uint64_t kFirstDate = 0x21;  // 1980-01-01, the format's first
constexpr std::string_view kPaddingId = "FB";

void put(std::string& text, std::uint64_t number, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>((number >> (8 * i)) & 0xFF);
}

/// What an entry's two headers have in common: version, flags, method (stored), time, checksum,
/// sizes and the size of the name.
void put_common(std::string& text, const ZipInput& entry, std::uint32_t crc) {
  put(text, kVersion, 2);
  put(text, kUtf8Name, 2);
  put(text, 0, 2);
  put(text, 0, 2);
  put(text, kFirstDate, 2);
  put(text, crc, 4);
  put(text, entry.bytes.size(), 4);
  put(text, entry.bytes.size(), 4);
  put(text, entry.name.size(), 2);
}

/// Padding is an extra field (id, size, filling), so it is none or at least 4 bytes.
std::string padding_of(std::uint64_t data_place, std::size_t alignment) {
  std::size_t size = (alignment - data_place % alignment) % alignment;
  if (size == 0) return {};
  while (size < 4) size += alignment;
  std::string padding(kPaddingId);
  put(padding, size - 4, 2);
  padding.append(size - 4, 'Z');
  return padding;
}

std::string local_header(const ZipInput& entry, std::uint32_t crc, std::uint64_t place,
                         std::size_t alignment) {
  const std::string padding = padding_of(place + kLocalHeader + entry.name.size(), alignment);
  std::string header = "PK\3\4";
  put_common(header, entry, crc);
  put(header, padding.size(), 2);
  return header + entry.name + padding;
}

std::string central_header(const ZipInput& entry, std::uint32_t crc, std::uint64_t place) {
  std::string header = "PK\1\2";
  put(header, kVersion, 2);
  put_common(header, entry, crc);
  header.append(12, '\0');  // no extra field, no comment, the first disk, no attributes
  put(header, place, 4);
  return header + entry.name;
}

void check_fits(std::uint64_t bytes) {
  if (bytes <= kMost) return;
  throw Error(ExitCode::kFailed, "a zip archive of more than 4 GB is not written",
              "Write safetensors, which has no such limit.");
}

}  // namespace

void write_stored_zip(std::ostream& out, const std::vector<ZipInput>& entries,
                      std::size_t alignment) {
  std::string directory;
  std::uint64_t place = 0;
  for (const ZipInput& entry : entries) {
    check_fits(entry.bytes.size());
    const std::uint32_t crc = crc32(entry.bytes);
    const std::string header = local_header(entry, crc, place, alignment);
    directory += central_header(entry, crc, place);
    out << header;
    out.write(reinterpret_cast<const char*>(entry.bytes.data()),
              static_cast<std::streamsize>(entry.bytes.size()));
    place += header.size() + entry.bytes.size();
    check_fits(place + directory.size());
  }
  if (entries.size() >= std::numeric_limits<std::uint16_t>::max())
    throw Error(ExitCode::kFailed,
                fmt::format("{} entries are too many for a zip archive", entries.size()));
  std::string end = "PK\5\6";
  put(end, 0, 4);
  put(end, entries.size(), 2);
  put(end, entries.size(), 2);
  put(end, directory.size(), 4);
  put(end, place, 4);
  put(end, 0, 2);
  out << directory << end;
}

}  // namespace simclr
