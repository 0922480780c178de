#include "simclr/formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <utility>

#include "simclr/core/error.h"

namespace simclr {
namespace {

struct CloseArchive {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using Handle = std::unique_ptr<archive, CloseArchive>;

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view where,
                       std::string_view reason) {
  throw Error(ExitCode::kData,
              fmt::format("{}: damaged or cut short{}: {}", path.string(), where, reason),
              "Fetch the archive again and compare its size and checksum with the publisher's.");
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) {
      table[i] = (table[i] >> 1) ^ ((table[i] & 1U) != 0 ? 0xEDB88320U : 0U);
    }
  }
  return table;
}

/// The last bytes of a .gz file: checksum and size, modulo 2^32, of what it unpacks to. RFC 1952.
struct GzipTrailer {
  std::uint32_t crc = 0;
  std::uint32_t size = 0;
};

GzipTrailer read_gzip_trailer(const std::filesystem::path& path) {
  std::array<unsigned char, 8> bytes{};
  std::ifstream in(path, std::ios::binary);
  in.seekg(-8, std::ios::end);
  in.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
  const auto word = [&](std::size_t at) {
    return static_cast<std::uint32_t>(bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) |
           (static_cast<std::uint32_t>(bytes[at + 3]) << 24);
  };
  return {word(0), word(4)};
}

/// A file's bytes, unpacked if it is gzip. Keeps the checksum that libarchive does not compare.
class UnpackedFile {
 public:
  explicit UnpackedFile(const std::filesystem::path& path)
      : path_(path), handle_(archive_read_new()) {
    archive_read_support_format_raw(handle_.get());
    archive_read_support_filter_gzip(handle_.get());
    archive_entry* ignored = nullptr;
    if (archive_read_open_filename(handle_.get(), path.c_str(), std::size_t{1} << 16) !=
            ARCHIVE_OK ||
        archive_read_next_header(handle_.get(), &ignored) != ARCHIVE_OK) {
      fail(path, "", reason());
    }
  }

  /// The next piece; its size, 0 at the end or -1 on an error.
  la_ssize_t read(const void** piece) {
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(handle_.get(), piece, &size, &offset);
    if (status == ARCHIVE_EOF) return 0;
    if (status != ARCHIVE_OK) return -1;
    static constexpr auto kTable = make_crc_table();
    const auto* bytes = static_cast<const unsigned char*>(*piece);
    for (std::size_t i = 0; i < size; ++i) crc_ = (crc_ >> 8) ^ kTable[(crc_ ^ bytes[i]) & 0xFFU];
    size_ += static_cast<std::uint32_t>(size);
    return static_cast<la_ssize_t>(size);
  }

  /// Reads what is left and compares the checksum. A file of several gzip members, whose trailer
  /// speaks of its last member only, is recognised by the size.
  void finish() {
    const void* piece = nullptr;
    la_ssize_t size = 0;
    do {
      size = read(&piece);
    } while (size > 0);
    if (size < 0) fail(path_, "", reason());
    if (archive_filter_code(handle_.get(), 0) != ARCHIVE_FILTER_GZIP) return;
    const GzipTrailer trailer = read_gzip_trailer(path_);
    if (trailer.size == size_ && trailer.crc != (crc_ ^ 0xFFFFFFFFU)) {
      fail(path_, "", "its checksum differs");
    }
  }

  std::string reason() const {
    const char* text = archive_error_string(handle_.get());
    return text != nullptr ? text : "nothing in it";
  }

 private:
  std::filesystem::path path_;
  Handle handle_;
  std::uint32_t crc_ = 0xFFFFFFFFU;
  std::uint32_t size_ = 0;
};

Handle open_tar(UnpackedFile& file) {
  Handle tar(archive_read_new());
  archive_read_support_format_tar(tar.get());
  const auto read = [](archive* handle, void* source, const void** piece) -> la_ssize_t {
    auto* from = static_cast<UnpackedFile*>(source);
    const la_ssize_t size = from->read(piece);
    if (size < 0) archive_set_error(handle, EIO, "%s", from->reason().c_str());
    return size;
  };
  archive_read_open(tar.get(), &file, nullptr, read, nullptr);
  return tar;
}

std::string reason_of(archive* handle) {
  const char* text = archive_error_string(handle);
  return text != nullptr ? text : "unknown reason";
}

/// The entry of a regular file inside the archive; an empty name for anything else.
ArchiveEntry regular_file(archive_entry* entry) {
  const char* stored = archive_entry_pathname(entry);
  if (stored == nullptr || archive_entry_filetype(entry) != AE_IFREG) return {};
  const std::filesystem::path name = std::filesystem::path(stored).lexically_normal();
  const bool leads_out = name.is_absolute() || *name.begin() == "..";
  if (leads_out) return {};
  return {name.string(),
          static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0))};
}

std::vector<std::uint8_t> read_entry(archive* tar, const ArchiveEntry& entry, std::size_t most,
                                     const std::filesystem::path& path) {
  std::vector<std::uint8_t> bytes(
      static_cast<std::size_t>(std::min<std::uint64_t>(entry.size, std::uint64_t{most} + 1)));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const la_ssize_t size = archive_read_data(tar, bytes.data() + done, bytes.size() - done);
    if (size < 0) fail(path, fmt::format(" in {}", entry.name), reason_of(tar));
    if (size == 0) break;
    done += static_cast<std::size_t>(size);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

void read_archive(
    const std::filesystem::path& path, std::size_t max_bytes,
    const std::function<bool(const ArchiveEntry& entry)>& wanted,
    const std::function<void(const ArchiveEntry& entry, std::vector<std::uint8_t> bytes)>& visit) {
  UnpackedFile file(path);
  const Handle tar = open_tar(file);
  std::string after;
  while (true) {
    archive_entry* header = nullptr;
    const int status = archive_read_next_header(tar.get(), &header);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail(path, after, reason_of(tar.get()));
    const ArchiveEntry entry = regular_file(header);
    if (entry.name.empty()) continue;
    after = fmt::format(" after {}", entry.name);
    if (wanted(entry)) visit(entry, read_entry(tar.get(), entry, max_bytes, path));
  }
  file.finish();
}

}  // namespace simclr
