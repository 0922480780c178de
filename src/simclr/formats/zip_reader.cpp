#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/formats/bytes.h"
#include "simclr/formats/crc.h"
#include "simclr/formats/zip.h"

namespace simclr {
namespace {

constexpr std::uint64_t kLocalHeader = 30;  // bytes of each record, without what varies
constexpr std::uint64_t kCentralHeader = 46;
constexpr std::uint64_t kEndRecord = 22;
constexpr std::uint64_t kZip64EndRecord = 56;
constexpr std::uint64_t kZip64Locator = 20;
constexpr std::uint64_t kMaxComment = 0xFFFF;
constexpr std::uint64_t kInZip64 = 0xFFFFFFFF;  // the number stands in the zip64 field
constexpr std::uint64_t kZip64Field = 1;
constexpr std::uint64_t kEncrypted = 1U << 0;

/// Where the central directory stands.
struct Directory {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::uint64_t entries = 0;

  std::uint64_t end() const { return begin + size; }
};

/// One record of the central directory.
struct Record {
  std::string name;
  std::uint64_t method = 0;
  std::uint64_t crc = 0;
  std::uint64_t size = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t place = 0;  ///< of its local header
  std::uint64_t next = 0;   ///< where the next record begins
};

class Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  ZipEntries entries() const {
    const Directory directory = find_directory();
    ZipEntries entries;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // begin, end
    std::uint64_t at = directory.begin;
    for (std::uint64_t i = 0; i < directory.entries; ++i) {
      Record record = record_at(at, directory.end());
      const std::uint64_t data = data_place(record, directory.begin);
      const auto bytes = bytes_.subspan(data, record.size);
      if (crc32(bytes) != record.crc) fail_entry(record.name, "does not match its checksum");
      ranges.emplace_back(record.place, data + record.size);
      at = record.next;
      if (entries.contains(record.name)) fail_entry(record.name, "is there twice");
      entries.emplace(std::move(record.name), bytes);
    }
    if (at != directory.end()) fail("its directory goes on behind its last entry");
    check_apart(std::move(ranges));
    return entries;
  }

 private:
  std::uint64_t size() const { return bytes_.size(); }

  /// The unsigned number in `count` <= 8 bytes.
  std::uint64_t field(std::uint64_t at, std::size_t count) const {
    if (at > size() || count > size() - at) fail("it is cut short");
    std::uint64_t number = 0;
    for (std::size_t i = count; i-- > 0;) number = (number << 8) | bytes_[at + i];
    return number;
  }

  // ---- the directory ----

  /// The end record is the last thing in the file, but for a comment whose size it states.
  std::uint64_t find_end_record() const {
    const std::uint64_t farthest = std::min(size(), kEndRecord + kMaxComment);
    for (std::uint64_t back = kEndRecord; back <= farthest; ++back) {
      const std::uint64_t at = size() - back;
      if (stands_at(bytes_, at, "PK\5\6") && field(at + 20, 2) == back - kEndRecord) return at;
    }
    fail("it has no end record: it is cut short, or no zip archive");
  }

  Directory find_directory() const {
    const std::uint64_t end = find_end_record();
    const Directory plain{field(end + 16, 4), field(end + 12, 4), field(end + 10, 2)};
    if (field(end + 4, 4) != 0 || field(end + 8, 2) != plain.entries)
      fail("it is one part of several");
    if (end >= kZip64Locator && stands_at(bytes_, end - kZip64Locator, "PK\6\7"))
      return find_zip64_directory(plain, end - kZip64Locator);
    check_directory(plain, end);
    return plain;
  }

  Directory find_zip64_directory(const Directory& plain, std::uint64_t locator) const {
    const std::uint64_t record = field(locator + 8, 8);
    if (locator < kZip64EndRecord || record > locator - kZip64EndRecord ||
        !stands_at(bytes_, record, "PK\6\6"))
      fail("its zip64 record is not where it says");
    const Directory large{field(record + 48, 8), field(record + 40, 8), field(record + 32, 8)};
    if (field(record + 16, 8) != 0 || field(record + 24, 8) != large.entries)
      fail("it is one part of several");
    const auto agree = [](std::uint64_t small, std::uint64_t big, std::uint64_t stands_in) {
      return small == big || small == stands_in;
    };
    if (!agree(plain.begin, large.begin, kInZip64) || !agree(plain.size, large.size, kInZip64) ||
        !agree(plain.entries, large.entries, 0xFFFF))
      fail("its two end records contradict each other");
    check_directory(large, record);
    return large;
  }

  void check_directory(const Directory& directory, std::uint64_t end) const {
    if (directory.begin > end || directory.size != end - directory.begin)
      fail("its directory is not where it says");
  }

  // ---- an entry ----

  Record record_at(std::uint64_t at, std::uint64_t end) const {
    if (end - at < kCentralHeader || !stands_at(bytes_, at, "PK\1\2"))
      fail(fmt::format("its directory has no entry at byte {}", at));
    const std::uint64_t name_size = field(at + 28, 2);
    const std::uint64_t extra_size = field(at + 30, 2);
    const std::uint64_t comment_size = field(at + 32, 2);
    if (name_size + extra_size + comment_size > end - at - kCentralHeader)
      fail(fmt::format("its directory ends within the entry at byte {}", at));
    Record record;
    record.name = text(at + kCentralHeader, name_size);
    record.method = field(at + 10, 2);
    record.crc = field(at + 16, 4);
    record.packed_size = field(at + 20, 4);
    record.size = field(at + 24, 4);
    record.place = field(at + 42, 4);
    record.next = at + kCentralHeader + name_size + extra_size + comment_size;
    if ((field(at + 8, 2) & kEncrypted) != 0) fail_entry(record.name, "is encrypted");
    read_zip64_field(record, at + kCentralHeader + name_size, extra_size);
    if (record.method != 0) fail_entry(record.name, "is packed; only stored entries are read");
    if (record.packed_size != record.size) fail_entry(record.name, "has two sizes");
    return record;
  }

  /// The extra fields are (id, size, bytes) each; zip64's has the numbers that did not fit, in this
  /// order.
  void read_zip64_field(Record& record, std::uint64_t at, std::uint64_t left) const {
    while (left >= 4) {
      const std::uint64_t bytes = field(at + 2, 2);
      if (bytes > left - 4) fail_entry(record.name, "has a damaged extra field");
      if (field(at, 2) == kZip64Field) {
        std::uint64_t used = 0;
        for (std::uint64_t* number : {&record.size, &record.packed_size, &record.place}) {
          if (*number != kInZip64) continue;
          if (bytes - used < 8) fail_entry(record.name, "has a damaged zip64 field");
          *number = field(at + 4 + used, 8);
          used += 8;
        }
        return;
      }
      at += 4 + bytes;
      left -= 4 + bytes;
    }
  }

  /// Where the entry's bytes begin; all of them are before the directory.
  std::uint64_t data_place(const Record& record, std::uint64_t directory) const {
    if (record.place > directory || directory - record.place < kLocalHeader)
      fail_entry(record.name, "begins outside the file");
    if (!stands_at(bytes_, record.place, "PK\3\4"))
      fail_entry(record.name, "has no header where it should begin");
    const std::uint64_t name_size = field(record.place + 26, 2);
    const std::uint64_t header = kLocalHeader + name_size + field(record.place + 28, 2);
    if (header > directory - record.place || record.size > directory - record.place - header)
      fail_entry(record.name, "ends outside the file");
    if (field(record.place + 8, 2) != record.method ||
        text(record.place + kLocalHeader, name_size) != record.name)
      fail_entry(record.name, "is another one in its own header");
    return record.place + header;
  }

  void check_apart(std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges) const {
    std::sort(ranges.begin(), ranges.end());
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      if (ranges[i].first < ranges[i - 1].second)
        fail(fmt::format("two of its entries overlap at byte {}", ranges[i].first));
    }
  }

  std::string text(std::uint64_t at, std::uint64_t count) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + at, count};
  }

  [[noreturn]] void fail_entry(std::string_view entry, std::string_view what) const {
    fail(fmt::format("its entry '{}' {}", printable(entry), what));
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(
        ExitCode::kData, fmt::format("{}: not a valid zip archive: {}", name_, what),
        "The file is damaged, cut short or of another kind: copy it again or make it anew.");
  }

  std::span<const std::uint8_t> bytes_;
  std::string_view name_;
};

}  // namespace

ZipEntries read_stored_zip(std::span<const std::uint8_t> archive, std::string_view name) {
  return Reader(archive, name).entries();
}

}  // namespace simclr
