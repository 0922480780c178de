#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace simclr {

/// The entries of a zip archive by name; the bytes lie in the archive itself.
using ZipEntries = std::map<std::string, std::span<const std::uint8_t>, std::less<>>;

/// Reads a zip archive in memory whose entries are stored, not packed, as PyTorch's are; zip64 too.
/// Every number is checked: sizes and places within the archive, no two entries over each other,
/// no name twice, checksums. Allocates names and nothing else.
/// @param name  of the file, for messages
/// @throws Error(kData): what is damaged, or an entry that is packed or encrypted, by its name
/// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
ZipEntries read_stored_zip(std::span<const std::uint8_t> archive, std::string_view name);

struct ZipInput {
  std::string name;
  std::span<const std::uint8_t> bytes;
};

/// Writes a zip archive of stored entries in this order; each entry's bytes begin at a multiple of
/// `alignment` (at most 4096). No times: equal content gives equal bytes.
/// @throws Error(kFailed) if it would pass 4 GB, the most that the format's plain form can say
void write_stored_zip(std::ostream& out, const std::vector<ZipInput>& entries,
                      std::size_t alignment);

}  // namespace simclr
