#include "simclr/data/image_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "simclr/data/picture_names.h"
#include "tests/data/pictures.h"
#include "tests/data/unprivileged.h"
#include "tests/formats/make_archive.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using Names = std::vector<std::string>;

ImageFiles in_folder(const std::filesystem::path& folder) {
  NullSink silence;
  return find_in_folder(folder, LabelSource::kAuto, silence);
}

ImageFiles in_archive(const std::filesystem::path& path) {
  NullSink silence;
  return find_in_archive(path, LabelSource::kAuto, silence);
}

Names names_of(const ImageFiles& images) {
  Names names;
  for (const ImageFile& file : images.files) names.push_back(file.name);
  return names;
}

Names skipped_of(const ImageFiles& images) {
  Names names;
  for (const SkippedFile& file : images.skipped) names.push_back(file.name + ": " + file.reason);
  return names;
}

/// "name=bytes" of each file, "name!reason" where there are none, in the order of reading.
Names read_all(const ImageFiles& images) {
  Names read;
  read_image_files(images, [&](std::size_t index, const FileBytes& file) {
    const std::string bytes(file.bytes.begin(), file.bytes.end());
    const bool failed = !file.failure.empty();
    read.push_back(images.files[index].name + (failed ? '!' : '=') +
                   (failed ? file.failure : bytes));
    return true;
  });
  return read;
}

TEST(FindInFolder, FindsPicturesByTheirSuffixSortedByName) {
  const TempFolder folder;
  for (const char* name : {"b/2.PNG", "a/1.jpeg", "b.webp", "b/10.jpg", "a/notes.txt", "x.gif",
                           ".hidden.jpg", ".git/1.jpg", "__MACOSX/1.jpg", "a/._1.jpg"})
    put_file(folder / name, "12");
  const ImageFiles images = in_folder(folder.path());
  EXPECT_EQ(names_of(images), (Names{"a/1.jpeg", "b.webp", "b/10.jpg", "b/2.PNG"}));
  EXPECT_EQ(images.files[0].size, 2U);
  EXPECT_GT(images.files[0].modified, 0);
  ASSERT_FALSE(images.notes.empty());
  EXPECT_EQ(images.notes.front(), "Files of other kinds: 1 .gif, 1 .txt.");
}

TEST(FindInFolder, LoopsOfLinksEnd) {
  const TempFolder folder;
  put_file(folder / "a/1.jpg", "");
  std::filesystem::create_directory_symlink("..", folder / "a/up");
  std::filesystem::create_directory_symlink("a", folder / "b");
  std::filesystem::create_symlink("1.jpg", folder / "a/2.jpg");
  const ImageFiles images = in_folder(folder.path());
  EXPECT_EQ(names_of(images), (Names{"a/1.jpg", "a/2.jpg"}));
  EXPECT_TRUE(images.skipped.empty());
  EXPECT_EQ(images.notes[0], "a/up leads to a folder that was read already.");
  EXPECT_EQ(images.notes[1], "b leads to a folder that was read already.");
}

TEST(FindInFolder, WhatCannotBeLookedAtIsSkippedWithItsReason) {
  const TempFolder folder;
  put_file(folder / "1.jpg", "");
  std::filesystem::create_symlink("nowhere.jpg", folder / "2.jpg");
  std::filesystem::create_symlink("3.jpg", folder / "3.jpg");
  ASSERT_EQ(::mkfifo((folder / "4.jpg").c_str(), 0600), 0);
  put_file(folder / "closed/5.jpg", "");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(folder / "closed", std::filesystem::perms(0));
  ImageFiles images;
  {
    const Unprivileged nobody;
    images = in_folder(folder.path());
  }
  std::filesystem::permissions(folder / "closed", std::filesystem::perms(0755));
  EXPECT_EQ(names_of(images), Names{"1.jpg"});
  EXPECT_EQ(
      skipped_of(images),
      (Names{"2.jpg: No such file or directory", "3.jpg: Too many levels of symbolic links",
             "4.jpg: not a regular file", "closed: cannot read the folder: Permission denied"}));
}

TEST(FindInFolder, NamesMayHoldAnyBytes) {
  const TempFolder folder;
  const Names names{"a\nb.jpg", "it's \"x\".jpg", "\xff\xfe.jpg"};
  for (const std::string& name : names) put_file(folder / name, name);
  const ImageFiles images = in_folder(folder.path());
  EXPECT_EQ(names_of(images), names);
  for (const std::string& line : read_all(images)) EXPECT_FALSE(contains(line, "!")) << line;
}

TEST(FindInFolder, FolderWithoutPicturesIsADataErrorThatSaysWhatIsThere) {
  const TempFolder folder;
  put_file(folder / "a.gif", "");
  put_file(folder / "b/b.gif", "");
  put_file(folder / "README", "");
  const Error error = expect_error(ExitCode::kData, [&] { in_folder(folder.path()); });
  EXPECT_EQ(std::string(error.what()),
            folder.path().string() + ": no pictures; there are 1 without a suffix, 2 .gif");
  EXPECT_TRUE(contains(error.hint(), ".jpg .jpeg .png"));
  const Error missing = expect_error(ExitCode::kData, [&] { in_folder(folder / "nowhere"); });
  EXPECT_TRUE(contains(missing.what(), "No such file or directory"));
}

TEST(FindInList, NamesPathsFromTheListsFolder) {
  const TempFolder folder;
  put_file(folder / "x/1.jpg", "one");
  put_file(folder / "x/2.jpg", "two");
  put_file(
      folder / "lists/all.txt",
      "\xEF\xBB\xBF../x/2.jpg\r\n\n" + (folder / "x/1.jpg").string() + "\n../x/3.jpg\n../x/2.jpg");
  const ImageFiles images = find_in_list(folder / "lists/all.txt", LabelSource::kAuto);
  EXPECT_EQ(names_of(images), (Names{"../x/2.jpg", (folder / "x/1.jpg").string()}));
  EXPECT_EQ(skipped_of(images), Names{"../x/3.jpg: No such file or directory"});
  EXPECT_EQ(read_all(images)[0], "../x/2.jpg=two");
}

TEST(FindInList, TabAndLabelAreTheClass) {
  const TempFolder folder;
  for (const char* name : {"1.jpg", "2.jpg", "3.jpg", "4.jpg"}) put_file(folder / name, "");
  put_file(folder / "a.txt", "1.jpg\tdog\n2.jpg\tcat, big\n3.jpg\n4.jpg\tdog\n");
  const ImageFiles images = find_in_list(folder / "a.txt", LabelSource::kAuto);
  EXPECT_EQ(images.class_names, (Names{"cat, big", "dog"}));
  EXPECT_EQ(images.files[0].label, 1);
  EXPECT_EQ(images.files[1].label, 0);
  EXPECT_EQ(images.files[2].label, -1);
  EXPECT_EQ(images.files[2].part, SourcePart::kUnlabelled);
  EXPECT_EQ(images.files[3].part, SourcePart::kTrain);
  EXPECT_TRUE(find_in_list(folder / "a.txt", LabelSource::kNone).class_names.empty());
}

TEST(FindInList, PathThatComesAgainIsReadOnceAndNoted) {
  const TempFolder folder;
  for (const char* name : {"x/1.jpg", "x/2.jpg"}) put_file(folder / name, "");
  put_file(folder / "a.txt", "x/1.jpg\ta\n\nx/2.jpg\tb\n./x/1.jpg\ta\nx//./2.jpg\tb\n");
  const ImageFiles images = find_in_list(folder / "a.txt", LabelSource::kAuto);
  EXPECT_EQ(names_of(images), (Names{"x/1.jpg", "x/2.jpg"}));
  EXPECT_EQ(images.files[1].label, 1);
  EXPECT_EQ(images.files[1].position, 1U);
  EXPECT_EQ(images.notes, Names{"Lines that name a picture again, which is read once: 2, the first "
                                "is line 4, as line 1."});
}

// "x/../1.jpg" is another file than "1.jpg" if x is a link.
TEST(FindInList, PathsThatOnlyLinksCouldTellAreKept) {
  const TempFolder folder;
  put_file(folder / "1.jpg", "one");
  put_file(folder / "y/1.jpg", "two");
  std::filesystem::create_directories(folder / "y/z");
  std::filesystem::create_directory_symlink("y/z", folder / "x");
  put_file(folder / "a.txt", "1.jpg\nx/../1.jpg\n");
  EXPECT_EQ(read_all(find_in_list(folder / "a.txt", LabelSource::kAuto)),
            (Names{"1.jpg=one", "x/../1.jpg=two"}));
}

TEST(FindInList, PictureOfTwoLabelsIsADataErrorThatNamesBothLines) {
  const TempFolder folder;
  put_file(folder / "1.jpg", "");
  put_file(folder / "a.txt", "1.jpg\tcat\n\n./1.jpg\tdog\n");
  const std::filesystem::path list = folder / "a.txt";
  expect_error(ExitCode::kData,
               list.string() +
                   ": lines 1 and 3 both name ./1.jpg, with the labels \"cat\" and "
                   "\"dog\"",
               [&] { find_in_list(list, LabelSource::kAuto); });
  EXPECT_EQ(find_in_list(list, LabelSource::kNone).files.size(), 1U);  // labels are of no account
}

TEST(FindInList, WithoutLabelsFoldersAreTheClasses) {
  const TempFolder folder;
  put_file(folder / "cat/1.jpg", "");
  put_file(folder / "dog/1.jpg", "");
  put_file(folder / "a.txt", "dog/1.jpg\ncat/1.jpg\n");
  const ImageFiles images = find_in_list(folder / "a.txt", LabelSource::kAuto);
  EXPECT_EQ(images.class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(images.files[0].label, 1);
}

TEST(FindInList, ListThatNamesNothingThereIsADataError) {
  const TempFolder folder;
  put_file(folder / "a.txt", "1.jpg\n");
  expect_error(ExitCode::kData, "no pictures; 1 could not be looked at, the first: 1.jpg: No such",
               [&] { find_in_list(folder / "a.txt", LabelSource::kAuto); });
  expect_error(ExitCode::kData, "No such file",
               [&] { find_in_list(folder / "b.txt", LabelSource::kAuto); });
}

TEST(FindInList, WhatIsNoRegularFileIsSkipped) {
  const TempFolder folder;
  put_file(folder / "x/1.jpg", "");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const std::string zero("x/1.jpg\0.png\n", 13);
  put_file(folder / "a.txt", "x/1.jpg\tcat\nx\npipe\n\tdog\n" + zero);
  const ImageFiles images = find_in_list(folder / "a.txt", LabelSource::kAuto);
  EXPECT_EQ(names_of(images), Names{"x/1.jpg"});
  EXPECT_EQ(skipped_of(images),
            (Names{"x: not a regular file", "pipe: not a regular file", ": not a regular file",
                   "x/1.jpg\\x00.png: no file's name has a zero byte"}));
}

TEST(FindInList, ListThatMayNotBeReadIsADataError) {
  const TempFolder folder;
  put_file(folder / "a.txt", "1.jpg\n");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(folder / "a.txt", std::filesystem::perms(0));
  const Unprivileged nobody;
  expect_error(ExitCode::kData, "a.txt: cannot read: Permission denied",
               [&] { find_in_list(folder / "a.txt", LabelSource::kAuto); });
}

// The nanoseconds to them do not fit into 64 bits.
TEST(PictureOf, TimesBeyondTheYear2262AreToldApart) {
  const auto modified = [](std::int64_t seconds) {
    struct stat status = {};
    status.st_mtim.tv_sec = seconds;
    return picture_of("1.jpg", status).modified;
  };
  EXPECT_EQ(modified(9'000'000'000), 9'000'000'000'000'000'000);
  EXPECT_NE(modified(10'000'000'000), modified(10'000'000'001));
  EXPECT_EQ(modified(-1), -1'000'000'000);
}

TEST(FindInArchive, FindsWhatAFolderWouldHold) {
  const TempFolder folder;
  for (const char* name : {"a.tar", "a.tar.gz", "a.zip"}) {
    make_archive(folder / name, {{"set/dog/1.jpg", "D"},
                                 {"set/readme.txt", "-"},
                                 {"set/cat/2.jpg", "C"},
                                 {"__MACOSX/set/cat/._2.jpg", "-"}});
    const ImageFiles images = in_archive(folder / name);
    EXPECT_EQ(names_of(images), (Names{"set/cat/2.jpg", "set/dog/1.jpg"})) << name;
    EXPECT_EQ(images.class_names, (Names{"cat", "dog"})) << name;
    EXPECT_EQ(read_all(images), (Names{"set/dog/1.jpg=D", "set/cat/2.jpg=C"})) << name;
  }
}

TEST(FindInArchive, OfEntriesWithOneNameTheLastCountsAsAfterUnpacking) {
  const TempFolder folder;
  for (const char* name : {"a.tar", "a.tar.gz", "a.zip"}) {
    make_archive(folder / name, {{"1.jpg", "old"},
                                 {"3.jpg", "3"},
                                 {"./1.jpg", "newer"},
                                 {"2.jpg", "2"},
                                 {"1.jpg", "newest"}});
    const ImageFiles images = in_archive(folder / name);
    EXPECT_EQ(names_of(images), (Names{"1.jpg", "2.jpg", "3.jpg"})) << name;
    EXPECT_EQ(images.files[0].size, 6U) << name;
    EXPECT_EQ(read_all(images), (Names{"3.jpg=3", "2.jpg=2", "1.jpg=newest"})) << name;
    ASSERT_FALSE(images.notes.empty());
    EXPECT_EQ(images.notes.front(),
              "Pictures with a namesake further on, which is read instead: 2, the first is 1.jpg.");
  }
}

TEST(FindInArchive, ArchiveWithoutPicturesIsADataError) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"readme.txt", "-"}});
  expect_error(ExitCode::kData, "a.tar: no pictures", [&] { in_archive(folder / "a.tar"); });
}

TEST(ReadImageFiles, FilesThatWentOrChangedFailWithTheirReason) {
  const TempFolder folder;
  for (const char* name : {"1.jpg", "2.jpg", "3.jpg", "4.jpg"}) put_file(folder / name, "old");
  const ImageFiles images = in_folder(folder.path());
  std::filesystem::remove(folder / "1.jpg");
  put_file(folder / "2.jpg", "newer");
  std::filesystem::remove(folder / "3.jpg");
  ASSERT_EQ(::mkfifo((folder / "3.jpg").c_str(), 0600), 0);
  EXPECT_EQ(read_all(images), (Names{"1.jpg!No such file or directory", "2.jpg=newer",
                                     "3.jpg!not a regular file", "4.jpg=old"}));
}

// Whoever changes the permissions changes the file's time of change, which caches depend on.
TEST(ReadImageFiles, MissingPermissionIsNoFailureThatMayPass) {
  const TempFolder folder;
  for (const char* name : {"1.jpg", "2.jpg"}) put_file(folder / name, "");
  const ImageFiles images = in_folder(folder.path());
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(folder / "1.jpg", std::filesystem::perms(0));
  std::filesystem::remove(folder / "2.jpg");
  std::vector<bool> may_pass;
  {
    const Unprivileged nobody;
    EXPECT_EQ(read_all(images),
              (Names{"1.jpg!Permission denied", "2.jpg!No such file or directory"}));
    read_image_files(images, [&](std::size_t, const FileBytes& file) {
      may_pass.push_back(file.may_pass);
      return true;
    });
  }
  EXPECT_EQ(may_pass, (std::vector<bool>{false, true}));
}

TEST(ReadImageFiles, FilesOfUnreasonableSizeAreNotRead) {
  const TempFolder folder;
  put_file(folder / "1.jpg", "");
  std::filesystem::resize_file(folder / "1.jpg", kMaxImageFileBytes + 1);
  EXPECT_EQ(read_all(in_folder(folder.path())), Names{"1.jpg!larger than 512 MiB"});
}

TEST(ReadImageFiles, ArchiveThatChangedIsAnError) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"1.jpg", "1"}, {"2.jpg", "2"}});
  const ImageFiles images = in_archive(folder / "a.tar");
  for (const std::vector<TarEntry>& changed : {std::vector<TarEntry>{{"1.jpg", "1"}},
                                               {{"1.jpg", "1"}, {"3.jpg", "2"}},
                                               {{"1.jpg", "1"}, {"2.jpg", "2"}, {"3.jpg", "3"}}}) {
    make_archive(folder / "a.tar", changed);
    expect_error(ExitCode::kData, "it changed while it was read", [&] { read_all(images); });
  }
}

TEST(ReadImageFiles, ArchiveWithNamesakesThatChangedIsAnError) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"1.jpg", "1"}, {"2.jpg", "2"}, {"1.jpg", "3"}});
  const ImageFiles images = in_archive(folder / "a.tar");
  EXPECT_EQ(read_all(images), (Names{"2.jpg=2", "1.jpg=3"}));
  for (const std::vector<TarEntry>& changed :
       {std::vector<TarEntry>{{"3.jpg", "1"}, {"2.jpg", "2"}, {"1.jpg", "3"}},
        {{"2.jpg", "2"}, {"1.jpg", "3"}},
        {{"1.jpg", "1"}, {"2.jpg", "2"}},
        {{"1.jpg", "1"}, {"2.jpg", "2"}, {"1.jpg", "3"}, {"1.jpg", "4"}}}) {
    make_archive(folder / "a.tar", changed);
    expect_error(ExitCode::kData, "it changed while it was read", [&] { read_all(images); });
  }
}

TEST(ReadImageFiles, StopsWhenTheVisitorHasHadEnough) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"1.jpg", "1"}, {"2.jpg", "2"}});
  put_file(folder / "1.jpg", "1");
  put_file(folder / "2.jpg", "2");
  for (const ImageFiles& images : {in_archive(folder / "a.tar"), in_folder(folder.path())}) {
    int seen = 0;
    read_image_files(images, [&](std::size_t, const FileBytes&) { return ++seen < 1; });
    EXPECT_EQ(seen, 1);
  }
}

}  // namespace
}  // namespace simclr
