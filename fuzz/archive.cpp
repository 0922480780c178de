// Archives, plain and packed: every file of them, up to 64 KiB each.
#include "simclr/formats/archive.h"

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMaxBytes = 1 << 16;
  static simclr::fuzz::MemoryFile file;
  simclr::fuzz::survives([&] {
    simclr::read_archive(
        file.write({data, size}), kMaxBytes, [](const simclr::ArchiveEntry&) { return true; },
        [](const simclr::ArchiveEntry& entry, std::vector<std::uint8_t> bytes) {
          simclr::fuzz::require(bytes.size() <= kMaxBytes + 1);
          const std::filesystem::path name(entry.name);
          simclr::fuzz::require(name.is_relative());
          for (const auto& part : name) simclr::fuzz::require(part != "..");
        });
  });
  return 0;
}
