#include "simclr/formats/npy.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "simclr/core/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using namespace std::string_literals;

/// An .npy file of version `version`.0 with this header, as it stands.
std::string file_of(const std::string& header, const std::string& data, char version = 1) {
  std::string bytes = "\x93NUMPY"s + version + '\0';
  const std::size_t count_bytes = version == 1 ? 2 : 4;
  for (std::size_t i = 0; i < count_bytes; ++i) {
    bytes.push_back(static_cast<char>(header.size() >> (8 * i)));
  }
  return bytes + header + data;
}

std::string header_of(const std::string& descr, const std::string& shape,
                      const std::string& fortran_order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran_order + ", 'shape': " + shape +
         ", }   \n";
}

NpyArray read_bytes(const std::string& bytes) {
  const TempFolder folder;
  write_file_atomically(folder / "a.npy", bytes);
  return read_npy(folder / "a.npy");
}

std::string complaint(const std::string& bytes) {
  const Error error = expect_error(ExitCode::kData, [&] { read_bytes(bytes); });
  EXPECT_TRUE(contains(error.what(), "a.npy: not an .npy file we read: ")) << error.what();
  EXPECT_TRUE(contains(error.hint(), "numpy.save()"));
  return error.what();
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

TEST(ReadNpy, EveryVersionIsRead) {
  for (const char version : {'\1', '\2', '\3'}) {
    const NpyArray array = read_bytes(file_of(header_of("|u1", "(2, 3)"), "abcdef", version));
    EXPECT_EQ(array.dtype, "u1");
    EXPECT_EQ(array.shape, (std::vector<std::size_t>{2, 3}));
    EXPECT_EQ(array.bytes, bytes_of("abcdef"));
  }
}

TEST(ReadNpy, EveryDtypeIsRead) {
  for (const std::string dtype :
       {"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"}) {
    const std::string data(3 * static_cast<std::size_t>(dtype[1] - '0'), 'x');
    for (const std::string order : {"<", ">", "|", "="}) {
      EXPECT_EQ(read_bytes(file_of(header_of(order + dtype, "(3,)"), data)).dtype, dtype);
    }
  }
}

TEST(ReadNpy, BigEndianBecomesLittle) {
  EXPECT_EQ(read_bytes(file_of(header_of(">u2", "(3,)"), "abcdef")).bytes, bytes_of("badcfe"));
  EXPECT_EQ(read_bytes(file_of(header_of(">f8", "()"), "abcdefgh")).bytes, bytes_of("hgfedcba"));
}

TEST(ReadNpy, FortranOrderBecomesRowMajor) {
  EXPECT_EQ(read_bytes(file_of(header_of("|u1", "(2, 3)", "True"), "abcdef")).bytes,
            bytes_of("acebdf"));
  EXPECT_EQ(read_bytes(file_of(header_of(">u2", "(2, 2)", "True"), "abcdefgh")).bytes,
            bytes_of("bafedchg"));
  // [2, 3, 2]: element (i, j, k) stands at i + 2 j + 6 k.
  EXPECT_EQ(read_bytes(file_of(header_of("|u1", "(2, 3, 2)", "True"), "abcdefghijkl")).bytes,
            bytes_of("agciekbhdjfl"));
}

TEST(ReadNpy, ShapesOfEverySizeAreRead) {
  EXPECT_EQ(read_bytes(file_of(header_of("|u1", "()"), "a")).shape, std::vector<std::size_t>{});
  EXPECT_EQ(read_bytes(file_of(header_of("|u1", "(0, 3)", "True"), "")).bytes.size(), 0U);
  EXPECT_EQ(read_bytes(file_of(header_of("|u1", "(2L, 1L)"), "ab")).shape,
            (std::vector<std::size_t>{2, 1}));
}

TEST(ReadNpy, HeaderMayBeInAnyOrderAndQuotes) {
  const std::string header = "{ \"shape\":(2 ,),\"fortran_order\":False,\"descr\":\"|u1\"}\n";
  EXPECT_EQ(read_bytes(file_of(header, "ab")).bytes, bytes_of("ab"));
}

TEST(ReadNpy, SizeThatDoesNotFitTheShapeIsAnErrorWithBothSizes) {
  EXPECT_TRUE(contains(complaint(file_of(header_of("<f4", "(2, 3)"), "abc")),
                       "3 bytes of data, its shape needs 24"));
  EXPECT_TRUE(contains(complaint(file_of(header_of("|u1", "(2,)"), "abc")),
                       "3 bytes of data, its shape needs 2"));
  EXPECT_TRUE(contains(complaint(file_of(header_of("|u1", "(1000000000000,)"), "abc")),
                       "3 bytes of data, its shape needs 1000000000000"));
  EXPECT_TRUE(contains(complaint(file_of(header_of("|u1", "(4294967296, 4294967296, 16)"), "")),
                       "its shape is too large to address"));
  EXPECT_TRUE(contains(complaint(file_of(header_of("|u1", "(99999999999999999999,)"), "")),
                       "its shape is malformed or too large"));
}

TEST(ReadNpy, WhatItCannotHoldIsNamed) {
  EXPECT_TRUE(contains(complaint(file_of(header_of("|O", "(1,)"), "x")),
                       "its dtype '|O' is not one of u1 "));
  EXPECT_TRUE(contains(complaint(file_of(header_of("<c8", "(1,)"), "12345678")), "'<c8'"));
  EXPECT_TRUE(
      contains(complaint(file_of(header_of("|u1\x1b[2J", "(1,)"), "x")), R"('|u1\x1b[2J')"));
  EXPECT_TRUE(contains(
      complaint(file_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "x")),
      "it holds structures, not numbers"));
}

TEST(ReadNpy, MalformedHeaderIsAnError) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "its header is malformed"},
      {"[]", "its header is malformed"},
      {"{}", "its header lacks descr, fortran_order or shape"},
      {"{'descr': '|u1', 'shape': (1,)}", "its header lacks descr"},
      {"{'descr': '|u1', 'descr': '|u1'}", "its header has an entry too many"},
      {"{'other': 1}", "its header has an entry too many"},
      {"{'descr' '|u1'}", "its header is malformed"},
      {"{'descr: }", "its header is malformed"},
      {"{'descr': '|u1' 'shape': (1,)}", "its header is malformed"},
      {"{'fortran_order': Maybe}", "its header is malformed"},
      {"{'shape': 1}", "its header is malformed"},
      {"{'shape': (-1,)}", "its shape is malformed or too large"},
      {"{'shape': (1 2)}", "its header is malformed"},
      {"{'shape': (1,", "its shape is malformed or too large"},
      {"{'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}",
       "it has more than 32 axes"},
      {header_of("|u1", "(1,)") + "x", "its header goes on behind its end"},
  };
  for (const auto& [header, words] : cases) {
    EXPECT_TRUE(contains(complaint(file_of(header, "x")), words)) << header;
  }
}

TEST(ReadNpy, OtherFilesAreRefused) {
  EXPECT_TRUE(contains(complaint(""), "it ends within its first 8 bytes"));
  EXPECT_TRUE(contains(complaint("neither this nor that"), "it does not begin as one"));
  EXPECT_TRUE(contains(complaint(file_of("{}", "", 4)), "version 4.0 is unknown"));
  EXPECT_TRUE(contains(complaint("\x93NUMPY\x02\x00\xff\xff\xff\xff"s),
                       "its header claims 4294967295 bytes, more than the 65535 allowed"));
  const TempFolder folder;
  expect_error(ExitCode::kData, ": cannot read: ", [&] { read_npy(folder / "missing.npy"); });
  expect_error(ExitCode::kData, ": cannot read: ", [&] { read_npy(folder.path()); });
}

TEST(ReadNpy, CutOrFlippedAnywhereNeverHarms) {
  const std::string whole = file_of(header_of("<u2", "(2, 3)", "True"), "abcdefghijkl");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    complaint(whole.substr(0, at));
    for (const int flip : {0x01, 0x02, 0x80}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      try {
        EXPECT_EQ(read_bytes(changed).bytes.size(), 12U);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kData);
      }
    }
  }
}

TEST(NpyIntegers, EveryIntegerIsWidened) {
  const auto values = [](const std::string& dtype, const std::string& bytes) {
    return npy_integers({dtype, {}, bytes_of(bytes)});
  };
  using Values = std::vector<std::int64_t>;
  EXPECT_EQ(values("u1", "\x01\xff"), (Values{1, 255}));
  EXPECT_EQ(values("i1", "\x01\xff"), (Values{1, -1}));
  EXPECT_EQ(values("u2", "\xff\xff"), Values{65535});
  EXPECT_EQ(values("i2", "\xff\xff"), Values{-1});
  EXPECT_EQ(values("u4", "\xff\xff\xff\xff"), Values{4294967295});
  EXPECT_EQ(values("i4", "\xff\xff\xff\xff"), Values{-1});
  EXPECT_EQ(values("i8", "\xfe\xff\xff\xff\xff\xff\xff\xff"), Values{-2});
  EXPECT_EQ(values("u8", "\x05\0\0\0\0\0\0\0"s), Values{5});
  EXPECT_EQ(values("u8", "\xff\xff\xff\xff\xff\xff\xff\xff"), std::nullopt);
  EXPECT_EQ(values("f4", "abcd"), std::nullopt);
}

TEST(NpyHeader, IsReadBackAsItWas) {
  for (const std::vector<std::size_t>& shape :
       {std::vector<std::size_t>{}, {3}, {2, 3}, {0, 512}, {12345678, 1, 2}}) {
    const std::string header = npy_header("f4", shape);
    EXPECT_EQ(header.size() % 64, 0U);
    if (shape.size() < 3) {
      std::size_t count = 1;
      for (const std::size_t side : shape) count *= side;
      const NpyArray array = read_bytes(header + std::string(4 * count, 'x'));
      EXPECT_EQ(array.dtype, "f4");
      EXPECT_EQ(array.shape, shape);
    }
  }
}

TEST(NpyHeader, IsWhatNumPyWrites) {
  EXPECT_EQ(npy_header("f4", {2, 3}),
            "\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"s +
                std::string(58, ' ') + "\n");
  EXPECT_TRUE(npy_header("u1", {3}).find("'|u1', 'fortran_order': False, 'shape': (3,), }") !=
              std::string::npos);
}

}  // namespace
}  // namespace simclr
