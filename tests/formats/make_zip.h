#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simclr/formats/crc.h"

namespace simclr {

inline std::vector<std::uint8_t> zip_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

/// An entry of a zip archive that may lie about itself.
struct MadeEntry {
  std::string name;
  std::string bytes;
  bool zip64 = false;  ///< sizes and place stand in the zip64 field
  std::uint64_t method = 0;
  std::uint64_t flags = 0;
  std::int64_t more_size = 0;   ///< added to what the directory says
  std::int64_t more_place = 0;  ///< likewise
  std::uint32_t crc_flip = 0;
  std::string local_name = {};  ///< if it is another one
};

struct MadeZip {
  bool zip64 = false;  ///< with a zip64 end record
  std::uint64_t more_entries = 0;
  std::uint64_t more_begin = 0;
  std::string before_end = {};
  std::string comment = {};
};

inline std::string little(std::uint64_t number, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>((number >> (8 * i)) & 0xFF);
  return text;
}

/// A zip archive by hand, so that each number in it can be wrong.
inline std::string make_zip(const std::vector<MadeEntry>& entries, const MadeZip& made = {}) {
  using namespace std::string_literals;
  std::string file, directory;
  for (const MadeEntry& entry : entries) {
    const std::uint64_t place = file.size() + static_cast<std::uint64_t>(entry.more_place);
    const std::uint64_t size = entry.bytes.size() + static_cast<std::uint64_t>(entry.more_size);
    const std::string crc = little(crc32(zip_bytes(entry.bytes)) ^ entry.crc_flip, 4);
    const std::string& local = entry.local_name.empty() ? entry.name : entry.local_name;
    const std::string kind = little(entry.flags, 2) + little(entry.method, 2) + little(0, 4) + crc;
    file += "PK\3\4" + little(45, 2) + kind + little(size, 4) + little(size, 4) +
            little(local.size(), 2) + little(0, 2) + local + entry.bytes;
    const std::string large = entry.zip64 ? little(1, 2) + little(24, 2) + little(size, 8) +
                                                little(size, 8) + little(place, 8)
                                          : "";
    const std::uint64_t small = entry.zip64 ? 0xFFFFFFFF : size;
    directory += "PK\1\2" + little(45, 2) + little(45, 2) + kind + little(small, 4) +
                 little(small, 4) + little(entry.name.size(), 2) + little(large.size(), 2) +
                 std::string(10, '\0') + little(entry.zip64 ? 0xFFFFFFFF : place, 4) + entry.name +
                 large;
  }
  const std::uint64_t begin = file.size() + made.more_begin;
  const std::uint64_t count = entries.size() + made.more_entries;
  file += directory + made.before_end;
  if (made.zip64) {
    const std::uint64_t record = file.size();
    file += "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
            little(count, 8) + little(count, 8) + little(directory.size(), 8) + little(begin, 8);
    file += "PK\6\7" + little(0, 4) + little(record, 8) + little(1, 4);
    return file + "PK\5\6" + little(0, 4) + "\xff\xff\xff\xff"s + std::string(8, '\xff') +
           little(0, 2);
  }
  return file + "PK\5\6" + little(0, 4) + little(count, 2) + little(count, 2) +
         little(directory.size(), 4) + little(begin, 4) + little(made.comment.size(), 2) +
         made.comment;
}

}  // namespace simclr
