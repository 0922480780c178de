#include "simclr/core/files.h"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

const std::string kBinary("a\0b\r\n\xff", 6);

int files_in(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), {}));
}

TEST(Files, WhatIsWrittenIsReadBack) {
  const TempFolder folder;
  for (const std::string& bytes : {std::string(), kBinary, std::string(1 << 20, 'x')}) {
    write_file_atomically(folder / "f", bytes);
    EXPECT_EQ(read_file(folder / "f"), bytes);
  }
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(Files, StreamAndBytesWriteTheSame) {
  const TempFolder folder;
  write_file_atomically(folder / "f", [](std::ostream& out) { out << 12 << '\n' << 0.5; });
  EXPECT_EQ(read_file(folder / "f"), "12\n0.5");
}

TEST(Files, OldFileStandsUntilTheNewOneIsWhole) {
  const TempFolder folder;
  write_file_atomically(folder / "f", "old");
  write_file_atomically(folder / "f", [&](std::ostream& out) {
    out << "new" << std::flush;
    EXPECT_EQ(read_file(folder / "f"), "old");
  });
  EXPECT_EQ(read_file(folder / "f"), "new");
}

TEST(Files, WriterThatThrowsLeavesTheOldFileAlone) {
  const TempFolder folder;
  write_file_atomically(folder / "f", "old");
  const auto throwing = [](std::ostream& out) {
    out << "half";
    throw std::runtime_error("no more");
  };
  EXPECT_THROW(write_file_atomically(folder / "f", throwing), std::runtime_error);
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(Files, FailedWriteIsAnErrorAndLeavesTheOldFileAlone) {
  const TempFolder folder;
  write_file_atomically(folder / "f", "old");
  const Error error = expect_error(ExitCode::kFailed, [&] {
    write_file_atomically(folder / "f", [](std::ostream& out) {
      out << "half";
      out.setstate(std::ios::badbit);
    });
  });
  EXPECT_TRUE(contains(error.what(), (folder / "f").string() + ": cannot write: ")) << error.what();
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(Files, FolderThatIsNotThereIsNamedWithTheReason) {
  const TempFolder folder;
  const fs::path path = folder / "none" / "f";
  const Error written = expect_error(ExitCode::kFailed, [&] { write_file_atomically(path, "x"); });
  EXPECT_EQ(std::string(written.what()),
            path.string() + ": cannot write: No such file or directory");
  EXPECT_EQ(
      written.hint(),
      "Check that the folder exists, that you may write there and that the disk is not full.");
  const Error read = expect_error(ExitCode::kFailed, [&] { read_file(path); });
  EXPECT_EQ(std::string(read.what()), path.string() + ": cannot read: No such file or directory");
  const Error appended = expect_error(ExitCode::kFailed, [&] { append_line(path, "x"); });
  EXPECT_EQ(std::string(appended.what()),
            path.string() + ": cannot append: No such file or directory");
}

TEST(Files, FolderInPlaceOfAFileIsAnError) {
  const TempFolder folder;
  fs::create_directory(folder / "d");
  write_file_atomically(folder / "d" / "kept", "x");
  const Error read = expect_error(ExitCode::kFailed, [&] { read_file(folder / "d"); });
  EXPECT_TRUE(contains(read.what(), (folder / "d").string() + ": cannot read: ")) << read.what();
  const Error written =
      expect_error(ExitCode::kFailed, [&] { write_file_atomically(folder / "d", "x"); });
  EXPECT_EQ(std::string(written.what()),
            (folder / "d").string() + ": cannot replace: Is a directory");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(Files, LinesAreAppendedWhole) {
  const TempFolder folder;
  append_line(folder / "log", "one");
  append_line(folder / "log", "");
  append_line(folder / "log", "two");
  EXPECT_EQ(read_file(folder / "log"), "one\n\ntwo\n");
}

}  // namespace
}  // namespace simclr
