#include "simclr/formats/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simclr/core/files.h"
#include "simclr/core/random.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

/// A file of this header and so many data bytes 0, 1, 2, ...
std::string file_of(std::string_view header, std::size_t data_bytes) {
  const std::uint64_t size = header.size();
  std::string file(reinterpret_cast<const char*>(&size), sizeof size);
  file += header;
  for (std::size_t i = 0; i < data_bytes; ++i) file += static_cast<char>(i);
  return file;
}

/// What reading these bytes as a file complains of.
std::string complaint_of(const std::string& bytes) {
  const TempFolder folder;
  write_file_atomically(folder / "damaged.safetensors", bytes);
  const Error error =
      expect_error(ExitCode::kData, [&] { SafetensorsFile::read(folder / "damaged.safetensors"); });
  EXPECT_TRUE(contains(error.what(), "damaged.safetensors")) << error.what();
  EXPECT_FALSE(error.hint().empty());
  return error.what();
}

std::string entry(std::string_view name, std::string_view dtype, std::string_view shape,
                  std::string_view offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":{}}})", name, dtype, shape,
                     offsets);
}

/// A file of these entries.
std::string file_with(std::initializer_list<std::string> entries, std::size_t data_bytes) {
  return file_of(fmt::format("{{{}}}", fmt::join(entries, ",")), data_bytes);
}

/// Three tensors of three widths, one of them empty, and metadata.
class Sample {
 public:
  std::map<std::string, TensorEntry> tensors() const {
    return {{"a", {"F32", {2, 3}, floats_.data(), sizeof floats_}},
            {"b", {"I64", {}, &count_, sizeof count_}},
            {"c", {"U8", {5}, bytes_.data(), bytes_.size()}},
            {"empty", {"F32", {0, 4}, nullptr, 0}}};
  }
  std::map<std::string, std::string> metadata() const {
    return {{"step", "12"}, {"format", "a \"quoted\" one"}};
  }

 private:
  std::array<float, 6> floats_{1.5F, -0.0F, INFINITY, 1e-45F, 3.0F, -2.0F};
  std::int64_t count_ = -7;
  std::array<std::uint8_t, 5> bytes_{0, 1, 127, 128, 255};
};

std::string sample_bytes(const TempFolder& folder) {
  write_safetensors(folder / "sample.safetensors", Sample().tensors(), Sample().metadata());
  return read_file(folder / "sample.safetensors");
}

TEST(Safetensors, WritesTheBytesOfTheFormatWrittenByHand) {
  const TempFolder folder;
  const std::string header = R"({"__metadata__":{"k":"v"},)"
                             R"("z":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                             R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]},)"
                             R"("b":{"dtype":"U8","shape":[1],"data_offsets":[16,17]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  const std::string golden = file_of(header + padding, 17);
  const char* data = golden.data() + golden.size() - 17;

  write_safetensors(folder / "f",
                    {{"a", {"F32", {2, 1}, data + 8, 8}},
                     {"b", {"U8", {1}, data + 16, 1}},
                     {"z", {"I64", {}, data, 8}}},
                    {{"k", "v"}});

  EXPECT_EQ(read_file(folder / "f"), golden);
}

TEST(Safetensors, ReadsAFileWrittenByHand) {
  const TempFolder folder;
  const std::string header = R"({ "x" : {"data_offsets":[2,6], "shape":[2,2], "dtype":"U8"},)"
                             R"("y":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},)"
                             R"("__metadata__":{"who":"me"}}  )";
  write_file_atomically(folder / "f", file_of(header, 6));
  const SafetensorsFile file = SafetensorsFile::read(folder / "f");
  ASSERT_EQ(file.tensors().size(), 2U);
  const TensorEntry& x = file.tensors().at("x");
  EXPECT_EQ(x.dtype, "U8");
  EXPECT_EQ(x.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(std::string_view(static_cast<const char*>(x.data), x.bytes), "\2\3\4\5");
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"who", "me"}}));
}

TEST(Safetensors, WhatIsWrittenIsReadBitForBit) {
  const TempFolder folder;
  const Sample sample;
  sample_bytes(folder);
  SafetensorsFile first = SafetensorsFile::read(folder / "sample.safetensors");
  const SafetensorsFile file = std::move(first);  // entries must follow their buffer
  EXPECT_EQ(file.metadata(), sample.metadata());
  ASSERT_EQ(file.tensors().size(), sample.tensors().size());
  for (const auto& [name, written] : sample.tensors()) {
    const TensorEntry& read = file.tensors().at(name);
    EXPECT_EQ(read.dtype, written.dtype);
    EXPECT_EQ(read.shape, written.shape);
    ASSERT_EQ(read.bytes, written.bytes);
    const auto* bytes = static_cast<const char*>(read.data);
    EXPECT_TRUE(std::equal(bytes, bytes + read.bytes, static_cast<const char*>(written.data)));
  }
}

TEST(Safetensors, EqualContentGivesEqualBytesAndAlignedTensors) {
  const TempFolder folder;
  const std::string bytes = sample_bytes(folder);
  EXPECT_EQ(sample_bytes(folder), bytes);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header % 8, 0U);
  const SafetensorsFile file = SafetensorsFile::read(folder / "sample.safetensors");
  const auto* eight = static_cast<const char*>(file.tensors().at("b").data);
  const auto* four = static_cast<const char*>(file.tensors().at("a").data);
  EXPECT_EQ((four - eight) % 8, 0);
}

TEST(Safetensors, HoldsNoTensorsAndNoMetadata) {
  const TempFolder folder;
  write_safetensors(folder / "none", {}, {});
  EXPECT_EQ(read_file(folder / "none"), file_of("{}      ", 0));
  EXPECT_TRUE(SafetensorsFile::read(folder / "none").tensors().empty());
}

TEST(Safetensors, MetadataThatIsNotUtf8IsStillWritten) {
  const TempFolder folder;
  write_safetensors(folder / "f", {}, {{"path", "caf\xe9"}});
  EXPECT_EQ(SafetensorsFile::read(folder / "f").metadata().at("path"), "caf\xef\xbf\xbd");
}

TEST(Safetensors, RefusesToWriteWhatItCouldNotRead) {
  const TempFolder folder;
  write_file_atomically(folder / "f", "old");
  const float value = 1.0F;
  const std::vector<std::map<std::string, TensorEntry>> bad{
      {{"w", {"F32", {2}, &value, 4}}},
      {{"w", {"FLOAT", {1}, &value, 4}}},
      {{"w", {"F32", {-1}, &value, 4}}},
      {{"__metadata__", {"F32", {1}, &value, 4}}}};
  for (const auto& tensors : bad) {
    const Error error =
        expect_error(ExitCode::kFailed, [&] { write_safetensors(folder / "f", tensors, {}); });
    EXPECT_TRUE(contains(error.what(), tensors.begin()->first)) << error.what();
    EXPECT_EQ(read_file(folder / "f"), "old");
  }
  expect_error(ExitCode::kFailed, [&] { write_safetensors(folder / "no/where", {}, {}); });
}

TEST(Safetensors, AMissingFileOrAFolderIsAnErrorThatNamesIt) {
  const TempFolder folder;
  const Error missing =
      expect_error(ExitCode::kData, [&] { SafetensorsFile::read(folder / "absent"); });
  EXPECT_TRUE(contains(missing.what(), "absent: cannot read: No such file")) << missing.what();
  expect_error(ExitCode::kData, [&] { SafetensorsFile::read(folder.path()); });
}

struct Damage {
  std::string bytes;
  std::string complaint;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.complaint; }
class SafetensorsDamage : public testing::TestWithParam<Damage> {};

TEST_P(SafetensorsDamage, IsNamed) {
  const std::string complaint = complaint_of(GetParam().bytes);
  EXPECT_TRUE(contains(complaint, GetParam().complaint)) << complaint;
}

INSTANTIATE_TEST_SUITE_P(
    Header, SafetensorsDamage,
    testing::Values(
        Damage{"", "it has 0 bytes, too few for a header"},
        Damage{"1234567", "it has 7 bytes, too few for a header"},
        Damage{std::string("\x03\0\0\0\0\0\0\0{}", 10),
               "its header claims 3 bytes, but only 2 follow"},
        Damage{std::string("\x01\xe1\xf5\x05\0\0\0\0", 8),
               "its header claims 100000001 bytes, more than the 100000000 allowed"},
        Damage{std::string(8, '\xff'), "more than the 100000000 allowed"},
        Damage{std::string(8, '\0'), "does not begin with '{'"},
        Damage{file_of(" {}", 0), "does not begin with '{'"},
        Damage{file_of("[]", 0), "does not begin with '{'"},
        Damage{file_of("{", 0), "not valid JSON"}, Damage{file_of("{}x", 0), "not valid JSON"},
        Damage{file_of("{\"\xff\":1}", 0), "not valid JSON"},
        Damage{file_of(std::string(R"({"a":)").append(1'000'000, '['), 0), "nested too deeply"},
        Damage{file_of(R"({"a":{"b":{"c":[]}}})", 0), "nested too deeply"},
        Damage{file_of(R"({"a":[1]})", 0), "tensor 'a' lacks dtype, shape or data_offsets"},
        Damage{file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "'__metadata__' twice"},
        Damage{file_of(R"({"__metadata__":[]})", 0), "its __metadata__ is not a map of strings"},
        Damage{file_of(R"({"__metadata__":{"k":["v"]}})", 0), "'k' is not a string"},
        Damage{file_of(R"({"a":{"b":{"c":{"d":1}}}})", 0), "nested too deeply"},
        Damage{file_with({entry("w", "U8", "[1]", "[0,1]"), entry("w", "U8", "[1]", "[1,2]")}, 2),
               "has the name 'w' twice"},
        Damage{file_of(R"({"w":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1),
               "has the name 'dtype' twice"},
        Damage{file_of(R"({"__metadata__":{"k":"a","k":"b"}})", 0), "has the name 'k' twice"},
        Damage{file_of(R"({"__metadata__":{"k":1}})", 0), "its __metadata__ 'k' is not a string"},
        Damage{file_of(R"({"__metadata__":"k"})", 0), "its __metadata__ is not a map of strings"}));

std::string one(std::string_view dtype, std::string_view shape, std::string_view offsets,
                std::size_t data_bytes) {
  return file_with({entry("w", dtype, shape, offsets)}, data_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Entry, SafetensorsDamage,
    testing::Values(
        Damage{file_of(R"({"w":5})", 0), "tensor 'w' lacks dtype, shape or data_offsets"},
        Damage{file_of(R"({"w":{"dtype":"U8","shape":[1]}})", 1), "lacks dtype, shape or"},
        Damage{file_of(R"({"w":{"dtype":8,"shape":[1],"data_offsets":[0,1]}})", 1),
               "has a dtype that is not a string"},
        Damage{one("F33", "[1]", "[0,4]", 4), "has the unknown dtype 'F33'"},
        Damage{one("f32", "[1]", "[0,4]", 4), "has the unknown dtype 'f32'"},
        Damage{one("U8", "[-1]", "[0,1]", 1), "has a shape that is no list of whole numbers >= 0"},
        Damage{one("U8", "[1.0]", "[0,1]", 1), "has a shape that is no list"},
        Damage{one("U8", "1", "[0,1]", 1), "has a shape that is no list"},
        Damage{one("U8", "{}", "[0,1]", 1), "has a shape that is no list"},
        Damage{one("U8", "[1, true]", "[0,1]", 1), "has a shape that is no list"},
        Damage{one("U8", fmt::format("[{}]", fmt::join(std::vector<int>(65, 1), ",")), "[0,1]", 1),
               "has a shape of more than 64 sides"},
        Damage{one("U8", "[9223372036854775808]", "[0,1]", 1), "has a shape that is no list"},
        Damage{one("U8", "[99999999999999999999999]", "[0,1]", 1), "has a shape that is no list"},
        Damage{one("U8", "[4294967296,4294967296]", "[0,0]", 0), "has a shape too large"},
        Damage{one("F32", "[4611686018427387904]", "[0,0]", 0), "has a shape too large"},
        Damage{one("U8", "[1]", "[0]", 1), "has data_offsets that are no range within"},
        Damage{one("U8", "[1]", "[0,1,1]", 1), "has data_offsets that are no range within"},
        Damage{one("U8", "[1]", "[1,0]", 1), "has data_offsets that are no range within"},
        Damage{one("U8", "[1]", "[9223372036854775806,9223372036854775807]", 1), "no range within"},
        Damage{one("U8", "[1]", "[-1,0]", 1), "has a data_offsets that is no list"},
        Damage{one("F32", "[2]", "[0,4]", 4), "has 4 bytes where its dtype and shape need 8"}));

INSTANTIATE_TEST_SUITE_P(
    Coverage, SafetensorsDamage,
    testing::Values(
        Damage{file_with({entry("a", "U8", "[2]", "[0,2]"), entry("b", "U8", "[2]", "[1,3]")}, 3),
               "its tensors overlap at byte 1"},
        Damage{file_with({entry("a", "U8", "[2]", "[0,2]"), entry("b", "U8", "[2]", "[0,2]")}, 2),
               "its tensors overlap at byte 0"},
        Damage{file_with({entry("a", "U8", "[1]", "[0,1]"), entry("b", "U8", "[1]", "[2,3]")}, 3),
               "no tensor covers byte 1"},
        Damage{one("U8", "[1]", "[1,2]", 2), "no tensor covers byte 0"},
        Damage{one("U8", "[1]", "[0,1]", 4), "has 3 bytes behind its last tensor"},
        Damage{file_of("{}", 1), "has 1 bytes behind its last tensor"}));

TEST(Safetensors, WhatTheFormatDoesNotNameIsPassedOver) {
  const TempFolder folder;
  write_file_atomically(
      folder / "a",
      file_of(
          R"({"w":{"note":[1,"x"],"shape":[1],"of":{"a":null},"dtype":"U8","data_offsets":[0,1]}})",
          1));
  EXPECT_EQ(SafetensorsFile::read(folder / "a").tensors().at("w").bytes, 1U);
}

TEST(Safetensors, AHeaderOfManyTensorsTakesTimeByItsLengthAlone) {
  constexpr int kTensors = 100'000;  // minutes, were each compared with all before it
  const TempFolder folder;
  std::string header = "{";
  for (int i = 0; i < kTensors; ++i)
    header += entry(std::to_string(i), "U8", "[0]", "[0,0]") + (i + 1 < kTensors ? "," : "}");
  write_file_atomically(folder / "a", file_of(header, 0));
  EXPECT_EQ(SafetensorsFile::read(folder / "a").tensors().size(), std::size_t{kTensors});
}

TEST(Safetensors, AFileCutAnywhereIsAnError) {
  const TempFolder folder;
  const std::string whole = sample_bytes(folder);
  for (std::size_t percent = 0; percent < 100; ++percent)
    complaint_of(whole.substr(0, whole.size() * percent / 100));
  complaint_of(whole.substr(0, whole.size() - 1));
  complaint_of(whole + '\0');
}

TEST(Safetensors, FlippedBytesAreReadOrRefusedButNeverCrash) {
  constexpr std::uint32_t kFlips = 2000;
  const TempFolder folder;
  const std::string whole = sample_bytes(folder);
  std::uint32_t refused = 0;
  for (std::uint32_t i = 0; i < kFlips; ++i) {
    Random random({.seed = 1, .purpose = Purpose::kShuffle, .sample = i});
    std::string bytes = whole;
    for (std::uint32_t flips = random.below(3) + 1; flips > 0; --flips)
      bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] =
          static_cast<char>(random.below(256));
    std::ofstream(folder / "flipped", std::ios::binary) << bytes;
    try {
      std::size_t total = 0;
      const SafetensorsFile file = SafetensorsFile::read(folder / "flipped");
      for (const auto& [name, tensor] : file.tensors()) total += tensor.bytes;
      EXPECT_LT(total, bytes.size());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      ++refused;
    }
  }
  EXPECT_GT(refused, kFlips / 4);
}

}  // namespace
}  // namespace simclr
