#include "simclr/data/source_kind.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/data/pictures.h"
#include "tests/formats/make_archive.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

SourceKind folder_with(const std::string& name) {
  const TempFolder folder;
  put_file(folder / name, "");
  return source_kind(folder.path());
}

SourceKind archive_with(const std::string& name) {
  const TempFolder folder;
  make_archive(folder / "a.tar.gz", {{"LICENSE", "-"}, {name, "x"}});
  return source_kind(folder / "a.tar.gz");
}

TEST(SourceKind, OfficialFilesTellSetsInFoldersAndArchives) {
  for (const char* name :
       {"data_batch_1.bin", "cifar-10-batches-bin/test_batch.bin", "cifar-100-binary/train.bin",
        "cifar-10-batches-py/data_batch_5", "cifar-100-python/meta"}) {
    EXPECT_EQ(folder_with(name), SourceKind::kCifar) << name;
    EXPECT_EQ(archive_with(name), SourceKind::kCifar) << name;
  }
  EXPECT_EQ(folder_with("stl10_binary/train_X.bin"), SourceKind::kStl10);
  EXPECT_EQ(archive_with("stl10_binary/unlabeled_X.bin"), SourceKind::kStl10);
}

TEST(SourceKind, EverythingElseIsPictures) {
  EXPECT_EQ(folder_with("cat/1.jpg"), SourceKind::kFolder);
  EXPECT_EQ(folder_with("train/test/1.jpg"), SourceKind::kFolder);
  EXPECT_EQ(folder_with("a/b/test_batch.bin"), SourceKind::kFolder);  // too far down
  EXPECT_EQ(archive_with("cat/1.jpg"), SourceKind::kArchive);
  EXPECT_EQ(folder_with("images.npy"), SourceKind::kNpy);
}

TEST(SourceKind, SuffixesTellListsAndArrays) {
  const TempFolder folder;
  put_file(folder / "a.txt", "");
  put_file(folder / "a.npy", "");
  EXPECT_EQ(source_kind(folder / "a.txt"), SourceKind::kList);
  EXPECT_EQ(source_kind(folder / "a.npy"), SourceKind::kNpy);
}

TEST(SourceKind, WhatIsNoSourceSaysSo) {
  const TempFolder folder;
  put_file(folder / "a.jpg", "");
  expect_error(ExitCode::kUsage, "a.jpg: a single picture", [&] { source_kind(folder / "a.jpg"); });
  expect_error(ExitCode::kUsage, "neither a file nor a folder",
               [&] { source_kind(folder / "nothing"); });
  make_archive(folder / "a.tar", {{"readme", "-"}});
  expect_error(ExitCode::kData, "neither pictures nor a set in it",
               [&] { source_kind(folder / "a.tar"); });
  put_file(folder / "b.tar", "no archive");
  expect_error(ExitCode::kData, [&] { source_kind(folder / "b.tar"); });
}

TEST(SourceKind, ArchiveIsReadAsFarAsItsFirstTellingName) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"1.jpg", std::string(100'000, 'x')}, {"2.jpg", "y"}});
  std::filesystem::resize_file(folder / "a.tar", 5000);
  EXPECT_EQ(source_kind(folder / "a.tar"), SourceKind::kArchive);
}

}  // namespace
}  // namespace simclr
