#include "simclr/formats/archive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "simclr/core/files.h"
#include "tests/formats/make_archive.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using Contents = std::map<std::string, std::string>;

constexpr std::size_t kPlenty = 1 << 20;

/// Bytes that do not compress, so that a change in the archive is a change in them.
std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

Contents read_all(const std::filesystem::path& path, std::size_t max_bytes = kPlenty) {
  Contents contents;
  read_archive(
      path, max_bytes, [](const ArchiveEntry&) { return true; },
      [&](const ArchiveEntry& entry, std::vector<std::uint8_t> bytes) {
        contents[entry.name] = std::string(bytes.begin(), bytes.end());
      });
  return contents;
}

std::string damage(const std::filesystem::path& path) {
  const Error error = expect_error(ExitCode::kData, [&] { read_all(path); });
  EXPECT_TRUE(contains(error.what(), path.string())) << error.what();
  EXPECT_TRUE(contains(error.what(), "damaged or cut short")) << error.what();
  EXPECT_EQ(error.hint(),
            "Fetch the archive again and compare its size and checksum with the publisher's.");
  return error.what();
}

class Archive : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path path() const { return folder_ / GetParam(); }

 private:
  TempFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, Archive,
                         testing::Values("a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz",
                                         "a.tar.zst", "a.zip"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST_P(Archive, GivesEveryFileWhole) {
  const std::string large = noise(300'000);
  make_archive(path(), {{"one.bin", large}, {"empty", ""}, {"d/two.txt", "2"}});
  EXPECT_EQ(read_all(path()), (Contents{{"one.bin", large}, {"empty", ""}, {"d/two.txt", "2"}}));
}

TEST_P(Archive, ReadsOnlyWhatIsWanted) {
  make_archive(path(), {{"a", "1"}, {"b", "22"}, {"c", "333"}});
  std::vector<std::string> asked;
  std::vector<std::string> given;
  read_archive(
      path(), kPlenty,
      [&](const ArchiveEntry& entry) {
        asked.push_back(entry.name + std::to_string(entry.size));
        return entry.name == "b";
      },
      [&](const ArchiveEntry& entry, std::vector<std::uint8_t>) { given.push_back(entry.name); });
  EXPECT_EQ(asked, (std::vector<std::string>{"a1", "b2", "c3"}));
  EXPECT_EQ(given, std::vector<std::string>{"b"});
}

TEST_P(Archive, LongFileIsCutJustBeyondTheLimit) {
  make_archive(path(), {{"exact", std::string(100, 'x')}, {"long", std::string(5000, 'y')}});
  const Contents contents = read_all(path(), 100);
  EXPECT_EQ(contents.at("exact").size(), 100U);
  EXPECT_EQ(contents.at("long").size(), 101U);
}

TEST_P(Archive, LinksDevicesAndNamesThatLeadOutArePassedOver) {
  make_archive(path(), {{"folder", "", AE_IFDIR},
                        {"symlink", "", AE_IFLNK, "/etc/passwd"},
                        {"hardlink", "", AE_IFREG, "", "../secret"},
                        {"pipe", "", AE_IFIFO},
                        {"device", "", AE_IFCHR},
                        {"/absolute", "x"},
                        {"../up", "x"},
                        {"a/../../up", "x"},
                        {"./inside", "1"},
                        {"a/../b", "2"}});
  Contents contents = read_all(path());
  if (path().extension() == ".zip") contents.erase("hardlink");  // there it is an empty file
  EXPECT_EQ(contents, (Contents{{"inside", "1"}, {"b", "2"}}));
}

TEST_P(Archive, CutShortIsAnError) {
  make_archive(path(), {{"first", "1"}, {"second", noise(200'000)}});
  std::filesystem::resize_file(path(), 100'000);
  const std::string text = damage(path());
  // Of a .zip the directory is lost, of .bz2, .xz and .zst already the first piece.
  const std::string end = path().extension();
  if (end == ".tar" || end == ".gz" || end == ".tgz") {
    EXPECT_TRUE(contains(text, " in second: ")) << text;
  }
}

TEST_P(Archive, CutAnywhereIsAnError) {
  make_archive(path(), {{"a", noise(2000)}, {"b", "2"}});
  const std::string whole = read_file(path());
  // Of a .tar, the blocks of zeros at its end may be missing.
  const std::size_t end = path().extension() == ".tar" ? 7 * 512 : whole.size();
  for (std::size_t size = 0; size < end; size += 1 + end / 100) {
    write_file_atomically(path(), whole.substr(0, size));
    if (size % 512 != 0 || path().extension() != ".tar") damage(path());
  }
}

TEST_P(Archive, NamesOfAnyKindComeAsTheyAre) {
  const std::vector<std::string> names{"line\nnext", "quote\"s'", "caf\xc3\xa9", "latin\xe9",
                                       "\x1b[2J"};
  std::vector<TarEntry> entries;
  for (const std::string& name : names) entries.push_back({name, "1"});
  make_archive(path(), entries);
  const Contents contents = read_all(path());
  for (const std::string& name : names) EXPECT_EQ(contents.count(name), 1U) << name;
  EXPECT_EQ(contents.size(), names.size());
}

TEST_P(Archive, StreamedEntryComesInPiecesAndMayBeLeft) {
  const std::string large = noise(100'000);
  make_archive(path(), {{"skipped", large}, {"large", large}, {"left", large}, {"last", "1"}});
  Contents contents;
  stream_archive(path(), [&](const ArchiveEntry& entry, const EntryReader& read) {
    if (entry.name == "skipped") return;
    std::vector<std::uint8_t> piece(entry.name == "left" ? 10 : 999);
    std::size_t size = 0;
    do {
      size = read(piece.data(), piece.size());
      contents[entry.name].append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
    } while (size > 0 && entry.name != "left");
  });
  EXPECT_EQ(contents, (Contents{{"large", large}, {"left", large.substr(0, 10)}, {"last", "1"}}));
}

TEST_P(Archive, ErrorOfAVisitorComesThrough) {
  make_archive(path(), {{"a", "1"}});
  EXPECT_THROW(read_archive(
                   path(), kPlenty, [](const ArchiveEntry&) { return true; },
                   [](const ArchiveEntry&, std::vector<std::uint8_t>) { throw std::bad_alloc(); }),
               std::bad_alloc);
}

TEST(ArchiveDamage, GzipWithoutItsLastBytesIsAnError) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "a.tar.gz";
  make_archive(path, {{"a", noise(2000)}});
  const std::string whole = read_file(path);
  for (std::size_t missing = 1; missing <= 8; ++missing) {
    write_file_atomically(path, whole.substr(0, whole.size() - missing));
    damage(path);
  }
}

/// Sets the flag in every header of a .zip.
void mark_as_utf8(const std::filesystem::path& path) {
  std::string bytes = read_file(path);
  for (const auto& [start, flags] : {std::pair("PK\x03\x04", 7U), std::pair("PK\x01\x02", 9U)}) {
    for (std::size_t at = bytes.find(start); at != std::string::npos;
         at = bytes.find(start, at + 1))
      bytes[at + flags] = static_cast<char>(bytes[at + flags] | 0x08);
  }
  write_file_atomically(path, bytes);
}

// As Python and others write them: a flag says that names are UTF-8, whatever the locale.
TEST(ArchiveKind, ZipMarkedAsUtf8GivesItsNames) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "a.zip";
  make_archive(path, {{"caf\xc3\xa9 \xe2\x98\x83", "1"}});
  mark_as_utf8(path);
  EXPECT_EQ(read_all(path), (Contents{{"caf\xc3\xa9 \xe2\x98\x83", "1"}}));
}

TEST(ArchiveKind, ZipMarkedAsUtf8ThatIsNotIsAnErrorAndNotPassedOver) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "a.zip";
  make_archive(path, {{"first", "1"}, {"latin\xe9", "1"}});
  mark_as_utf8(path);
  EXPECT_TRUE(contains(damage(path), " after first: a name cannot be read")) << damage(path);
}

// The kind is told by the content.
TEST(ArchiveKind, NameDoesNotMatter) {
  const TempFolder folder;
  for (const std::string kind : {"a.zip", "a.tar.xz", "a.tar"}) {
    make_archive(folder / kind, {{"a", "1"}});
    std::filesystem::rename(folder / kind, folder / "download.tar.gz");
    EXPECT_EQ(read_all(folder / "download.tar.gz"), (Contents{{"a", "1"}})) << kind;
  }
}

TEST(ArchiveDamage, ChangedByteOfAZipIsFoundByItsChecksum) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "a.zip";
  make_archive(path, {{"a", "some text to look for"}}, "0");
  std::string bytes = read_file(path);
  const std::size_t at = bytes.find("look");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'b';
  write_file_atomically(path, bytes);
  EXPECT_TRUE(contains(damage(path), " in a: ZIP bad CRC")) << damage(path);
}

TEST(ArchiveDamage, ZipFlippedAnywhereGivesWhatWasInItOrAnError) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "a.zip";
  make_archive(path, {{"a", noise(100)}, {"b", "some text"}});
  const std::string whole = read_file(path);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x11);
    write_file_atomically(path, changed);
    try {
      read_all(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
    }
  }
}

TEST(ArchiveDamage, NamesInMessagesAreEscaped) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "a.tar";
  make_archive(path, {{"evil\n\x1b[2J", noise(5000)}});
  std::filesystem::resize_file(path, 3000);
  EXPECT_TRUE(contains(damage(path), R"( in evil\n\x1b[2J: )")) << damage(path);
}

// A changed byte that still unpacks to the right size shows in gzip's checksum alone.
TEST(ArchiveDamage, ChangedByteIsFoundByTheChecksum) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "a.tar.gz";
  make_archive(path, {{"a", "some text to look for"}}, "0");
  std::string bytes = read_file(path);
  const std::size_t at = bytes.find("look");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'b';
  write_file_atomically(path, bytes);
  EXPECT_TRUE(contains(damage(path), ": its checksum differs"));
}

TEST(ArchiveDamage, ChangedHeaderIsAnErrorThatNamesThePlace) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "a.tar";
  make_archive(path, {{"first", "1"}, {"second", "2"}});
  std::string bytes = read_file(path);
  bytes[bytes.find("second")] = 'S';
  write_file_atomically(path, bytes);
  EXPECT_TRUE(contains(damage(path), " after first: ")) << damage(path);
}

TEST(ArchiveDamage, GzipOfSeveralMembersIsWhole) {
  const TempFolder folder;
  make_archive(folder / "a.tar.gz", {{"a", noise(2000)}}, "0");
  make_archive(folder / "rest.tar.gz", {{"ignored after the end", "x"}}, "0");
  write_file_atomically(folder / "both.tar.gz",
                        read_file(folder / "a.tar.gz") + read_file(folder / "rest.tar.gz"));
  EXPECT_EQ(read_all(folder / "both.tar.gz").count("a"), 1U);
}

TEST(ArchiveDamage, OtherFilesAreRefused) {
  const TempFolder folder;
  damage(folder / "missing.tar");
  write_file_atomically(folder / "empty.tar", "");
  damage(folder / "empty.tar");
  write_file_atomically(folder / "text.tar", "neither a tar nor a gzip file\n");
  damage(folder / "text.tar");
}

}  // namespace
}  // namespace simclr
