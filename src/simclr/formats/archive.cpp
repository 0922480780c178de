#include "simclr/formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <locale.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <string_view>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

constexpr std::size_t kFirstBytes = std::size_t{1} << 16;

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

/// A file's bytes, unpacked if they are packed. Keeps gzip's checksum, which libarchive does not
/// compare; those of the other kinds are compared where they are unpacked.
class UnpackedFile {
 public:
  explicit UnpackedFile(const std::filesystem::path& path)
      : path_(path), handle_(archive_read_new()) {
    archive_read_support_format_raw(handle_.get());
    archive_read_support_filter_gzip(handle_.get());
    archive_read_support_filter_bzip2(handle_.get());
    archive_read_support_filter_xz(handle_.get());
    archive_read_support_filter_zstd(handle_.get());
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

bool is_zip(const std::filesystem::path& path) {
  std::array<char, 4> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  const std::string_view bytes(start.data(), start.size());
  return bytes == "PK\x03\x04" || bytes == "PK\x05\x06";  // a file, or none in it
}

/// By its directory alone, which stands at the end: a file that is cut short is never taken.
Handle open_zip(const std::filesystem::path& path) {
  Handle zip(archive_read_new());
  archive_read_support_format_zip_seekable(zip.get());
  if (archive_read_open_filename(zip.get(), path.c_str(), std::size_t{1} << 16) != ARCHIVE_OK) {
    fail(path, "", reason_of(zip.get()));
  }
  return zip;
}

/// libarchive gives names that are marked as UTF-8 in the locale's characters, and none where the
/// locale has not got them. While this lives, this thread's locale has them all.
class Utf8Names {
 public:
  Utf8Names()
      : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
        before_(utf8_ != nullptr ? ::uselocale(utf8_) : nullptr) {}
  ~Utf8Names() {
    if (utf8_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(utf8_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t utf8_;
  locale_t before_;
};

/// The entry of a regular file inside the archive; an empty name for anything else.
ArchiveEntry regular_file(archive_entry* entry) {
  if (archive_entry_filetype(entry) != AE_IFREG) return {};
  const auto name = std::filesystem::path(archive_entry_pathname(entry)).lexically_normal();
  const bool leads_out = name.empty() || name.is_absolute() || *name.begin() == "..";
  if (leads_out) return {};
  return {name.string(),
          static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0))};
}

/// Memory grows with what is there, not with what the archive claims.
std::vector<std::uint8_t> read_whole(std::uint64_t entry_size, std::size_t most,
                                     const EntryReader& read) {
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(entry_size, std::uint64_t{most} + 1));
  std::vector<std::uint8_t> bytes;
  std::size_t done = 0;
  std::size_t size = 1;
  while (done < wanted && size > 0) {
    if (done == bytes.size()) bytes.resize(std::min(wanted, std::max(2 * done, kFirstBytes)));
    size = read(&bytes[done], bytes.size() - done);
    done += size;
  }
  bytes.resize(done);
  return bytes;
}

/// What reads one entry. A .zip's checksum is compared where an entry is read to its end, so that
/// the last byte that was promised is not given out before the end is seen.
EntryReader reader_of(archive* from, const std::filesystem::path& path, const ArchiveEntry& entry) {
  const auto fail_in = [path, entry](std::string_view reason) {
    fail(path, fmt::format(" in {}", printable(entry.name)), reason);
  };
  return [=, left = entry.size](std::uint8_t* to, std::size_t bytes) mutable -> std::size_t {
    bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, left));
    if (bytes == 0) return 0;
    const la_ssize_t size = archive_read_data(from, to, bytes);
    if (size < 0) fail_in(reason_of(from));
    left -= static_cast<std::uint64_t>(size);
    std::uint8_t beyond = 0;
    if (left > 0) return static_cast<std::size_t>(size);
    const la_ssize_t more = archive_read_data(from, &beyond, 1);
    if (more != 0) fail_in(more < 0 ? reason_of(from) : "it is longer than it says");
    return static_cast<std::size_t>(size);
  };
}

void read_files(archive* from, const std::filesystem::path& path, const ArchiveVisitor& visit) {
  std::string after;
  while (true) {
    archive_entry* header = nullptr;
    const int status = archive_read_next_header(from, &header);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail(path, after, reason_of(from));
    if (archive_entry_pathname(header) == nullptr) fail(path, after, "a name cannot be read");
    const ArchiveEntry entry = regular_file(header);
    if (entry.name.empty()) continue;
    after = fmt::format(" after {}", printable(entry.name));
    visit(entry, reader_of(from, path, entry));
  }
}

}  // namespace

void stream_archive(const std::filesystem::path& path, const ArchiveVisitor& visit) {
  const Utf8Names names;
  if (is_zip(path)) {
    read_files(open_zip(path).get(), path, visit);
    return;
  }
  UnpackedFile file(path);
  read_files(open_tar(file).get(), path, visit);
  file.finish();
}

void read_archive(
    const std::filesystem::path& path, std::size_t max_bytes,
    const std::function<bool(const ArchiveEntry& entry)>& wanted,
    const std::function<void(const ArchiveEntry& entry, std::vector<std::uint8_t> bytes)>& visit) {
  stream_archive(path, [&](const ArchiveEntry& entry, const EntryReader& read) {
    if (wanted(entry)) visit(entry, read_whole(entry.size, max_bytes, read));
  });
}

}  // namespace simclr
