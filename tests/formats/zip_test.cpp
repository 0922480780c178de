#include "simclr/formats/zip.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/formats/make_zip.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

Texts read(const std::string& archive) {
  const auto bytes = zip_bytes(archive);
  Texts texts;
  for (const auto& [name, entry] : read_stored_zip(bytes, "a.zip"))
    texts.emplace_back(name, std::string(entry.begin(), entry.end()));
  return texts;
}

std::string complaint(const std::string& archive) {
  const Error error = expect_error(ExitCode::kData, [&] { read(archive); });
  EXPECT_TRUE(std::string(error.what()).starts_with("a.zip: not a valid zip archive: "))
      << error.what();
  EXPECT_FALSE(error.hint().empty());
  return error.what();
}

std::string written(const std::vector<ZipInput>& entries, std::size_t alignment) {
  std::ostringstream out;
  write_stored_zip(out, entries, alignment);
  return out.str();
}

const MadeEntry kOne{"a/one", "first"};
const MadeEntry kTwo{"a/two", "second"};
const Texts kBoth{{"a/one", "first"}, {"a/two", "second"}};

MadeEntry with(MadeEntry entry, void (*change)(MadeEntry& entry)) {
  change(entry);
  return entry;
}

TEST(Crc32, IsTheChecksumOfTheStandardsExample) {
  EXPECT_EQ(crc32(zip_bytes("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32({}), 0U);
}

TEST(StoredZip, ReadsAnArchiveWrittenByHand) {
  EXPECT_EQ(read(make_zip({kTwo, kOne})), kBoth);
  EXPECT_EQ(read(make_zip({})), Texts());
  EXPECT_EQ(read(make_zip({kOne, kTwo}, {.comment = "PK\5\6, it says"})), kBoth);
}

TEST(StoredZip, ReadsZip64) {
  MadeEntry large = kOne;
  large.zip64 = true;
  EXPECT_EQ(read(make_zip({large, kTwo}, {.zip64 = true})), kBoth);
  EXPECT_EQ(read(make_zip({large, kTwo})), kBoth);
}

TEST(StoredZip, Zip64NumbersBeyondTheFileAreRefused) {
  const auto large = [](std::int64_t more_size, std::int64_t more_place) {
    return MadeEntry{"x", "12345", true, 0, 0, more_size, more_place};
  };
  EXPECT_TRUE(contains(complaint(make_zip({large(INT64_MAX, 0)})), "'x' ends outside the file"));
  EXPECT_TRUE(contains(complaint(make_zip({large(-6, 0)})), "'x' ends outside the file"));
  EXPECT_TRUE(contains(complaint(make_zip({large(0, INT64_MAX)})), "'x' begins outside"));
  EXPECT_TRUE(contains(complaint(make_zip({large(0, -1)})), "'x' begins outside"));
  EXPECT_TRUE(contains(complaint(make_zip({kOne}, {.zip64 = true, .more_entries = 1U << 31})),
                       "its directory has no entry at byte"));
  EXPECT_TRUE(contains(complaint(make_zip({kOne}, {.zip64 = true, .more_begin = ~0ULL})),
                       "its directory is not where it says"));
}

TEST(StoredZip, WrongChecksumIsAnErrorThatNamesTheEntry) {
  EXPECT_TRUE(contains(complaint(make_zip({kOne, with(kTwo, [](auto& e) { e.crc_flip = 1; })})),
                       "its entry 'a/two' does not match its checksum"));
  std::string damaged = make_zip({kOne, kTwo});
  damaged[damaged.find("first")] = 'F';
  EXPECT_TRUE(contains(complaint(damaged), "its entry 'a/one' does not match its checksum"));
}

TEST(StoredZip, EveryTrickOfAnEntryIsRefused) {
  const std::pair<MadeEntry, std::string_view> cases[] = {
      {with(kTwo, [](auto& e) { e.method = 8; }), "'a/two' is packed; only stored entries"},
      {with(kTwo, [](auto& e) { e.flags = 1; }), "'a/two' is encrypted"},
      {with(kTwo, [](auto& e) { e.more_size = 1; }), "'a/two' ends outside the file"},
      {with(kTwo, [](auto& e) { e.more_place = 1; }), "'a/two' has no header where it should"},
      {with(kTwo, [](auto& e) { e.more_place = 60; }), "'a/two' begins outside the file"},
      {with(kTwo, [](auto& e) { e.local_name = "b/two"; }), "'a/two' is another one in its own"},
      {with(kTwo, [](auto& e) { e.name = "a/one"; }), "'a/one' is there twice"},
      {with(kTwo, [](auto& e) { e.name = "\x1b[2J", e.method = 8; }), "'\\x1b[2J' is packed"},
  };
  for (const auto& [entry, words] : cases) {
    const std::string text = complaint(make_zip({kOne, entry}));
    EXPECT_TRUE(contains(text, std::string(words))) << text;
  }
}

TEST(StoredZip, EntriesOverEachOtherAreRefused) {
  // The second one's record points at a whole entry within the bytes of the first.
  const MadeEntry inner{"in", "x"};
  const std::string hidden = make_zip({inner}).substr(0, 30 + 2 + 1);
  MadeEntry outer{"out", hidden};
  MadeEntry second = inner;
  second.more_place = -static_cast<std::int64_t>(hidden.size());
  EXPECT_TRUE(contains(complaint(make_zip({outer, second})), "two of its entries overlap at byte"));
}

TEST(StoredZip, EveryTrickOfTheDirectoryIsRefused) {
  const std::pair<MadeZip, std::string_view> cases[] = {
      {{.more_entries = 1}, "its directory has no entry at byte"},
      {{.more_entries = static_cast<std::uint64_t>(-1)}, "goes on behind its last entry"},
      {{.more_begin = 1}, "its directory is not where it says"},
      {{.more_begin = static_cast<std::uint64_t>(-1)}, "its directory is not where it says"},
      {{.before_end = "more"}, "its directory is not where it says"},
  };
  for (const auto& [made, words] : cases) {
    const std::string text = complaint(make_zip({kOne, kTwo}, made));
    EXPECT_TRUE(contains(text, std::string(words))) << text;
  }
  EXPECT_TRUE(contains(complaint(make_zip({kOne}) + "trailing"), "it has no end record"));
  EXPECT_TRUE(contains(complaint("before" + make_zip({kOne})), "its directory is not where"));
  std::string parts = make_zip({kOne});
  parts[parts.size() - 22 + 4] = 1;
  EXPECT_TRUE(contains(complaint(parts), "it is one part of several"));
}

TEST(StoredZip, CutAnywhereIsAnErrorAndFlippedBytesNeverHarm) {
  MadeEntry large = kOne;
  large.zip64 = true;
  for (const std::string& archive :
       {make_zip({kOne, kTwo}), make_zip({large, kTwo}, {.zip64 = true})}) {
    for (std::size_t size = 0; size < archive.size(); ++size) complaint(archive.substr(0, size));
    for (std::size_t at = 0; at < archive.size(); ++at) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::string changed = archive;
        changed[at] = static_cast<char>(changed[at] ^ flip);
        try {
          read(changed);
        } catch (const Error& error) {
          ASSERT_EQ(error.code(), ExitCode::kData);
        }
      }
    }
  }
}

TEST(StoredZip, WhatIsWrittenIsReadAndStandsAtTheAlignment) {
  const auto first = zip_bytes("first"), second = zip_bytes(std::string(100, 'x'));
  for (const std::size_t alignment : {1U, 2U, 64U, 4096U}) {
    const std::string archive = written({{"a", first}, {"bb", second}, {"empty", {}}}, alignment);
    EXPECT_EQ(read(archive), (Texts{{"a", "first"}, {"bb", std::string(100, 'x')}, {"empty", ""}}));
    EXPECT_EQ(archive.find("first") % alignment, 0U);
    EXPECT_EQ(archive.find("xxx") % alignment, 0U);
    EXPECT_EQ(archive, written({{"a", first}, {"bb", second}, {"empty", {}}}, alignment));
  }
}

TEST(StoredZip, EveryLengthOfANameIsPadded) {
  for (std::size_t length = 1; length < 140; ++length) {
    const auto bytes = zip_bytes("12345");
    const std::string archive = written({{std::string(length, 'n'), bytes}}, 64);
    EXPECT_EQ(archive.find("12345") % 64, 0U) << length;
    EXPECT_EQ(read(archive).size(), 1U) << length;
  }
}

}  // namespace
}  // namespace simclr
