#include "simclr/data/open_pictures.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "simclr/core/files.h"
#include "tests/data/pictures.h"
#include "tests/data/unprivileged.h"
#include "tests/formats/make_archive.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

/// Ten pictures of each of two classes, all different.
void put_classes(const fs::path& folder) {
  for (int i = 0; i < 10; ++i) {
    put_file(folder / fmt::format("cat/{}.ppm", i), picture_bytes(i));
    put_file(folder / fmt::format("dog/{}.ppm", i), picture_bytes(100 + i));
  }
}

DataSettings settings_of(const fs::path& source, const fs::path& cache = "") {
  DataSettings settings;
  settings.source = source.string();
  settings.cache = cache.string();
  return settings;
}

std::map<std::int32_t, int> counts(const Dataset& dataset) {
  std::map<std::int32_t, int> result;
  for (std::size_t i = 0; i < dataset.size(); ++i) ++result[dataset.get(i).label];
  return result;
}

std::vector<std::string> sorted_pixels(const Dataset& dataset) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const auto pixels = dataset.get(i).pixels;
    all.emplace_back(pixels.begin(), pixels.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

/// Changes a file until the system's clock, which goes in steps, has seen it.
void change(const fs::path& path, const std::function<void()>& once) {
  struct stat before = {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  struct stat now = before;
  while (now.st_ctim.tv_sec == before.st_ctim.tv_sec &&
         now.st_ctim.tv_nsec == before.st_ctim.tv_nsec) {
    once();
    ASSERT_EQ(::stat(path.c_str(), &now), 0);
  }
}

/// Other bytes, but size and time of modification as they were, as `cp -p` may leave them.
void replace_with_its_time(const fs::path& path) {
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  change(path, [&] {
    put_file(path, std::string(static_cast<std::size_t>(status.st_size), 'x'));
    const timespec times[2] = {status.st_atim, status.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  });
}

/// Puts one picture of 1 x 1 pixel in place of what a cache holds.
void forge(const fs::path& cache) {
  const std::string key = cache.stem().string();
  write_file_atomically(cache, [&](std::ostream& out) {
    CacheWriter writer(out, key);
    writer.add(0, {picture_pixels(0, 1, 1), 1, 1}, SourcePart::kTrain, -1);
    CacheInfo info;
    info.names = {"forged"};
    writer.finish(info);
  });
}

TEST(OpenPictures, ClassFoldersAreLabelledAndAShareIsSetAsideForTesting) {
  const TempFolder folder;
  put_classes(folder.path());
  DataSettings settings = settings_of(folder.path());
  settings.test_percent = 0.3;
  const DataSource source = open_source(settings);
  EXPECT_EQ(source.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(counts(*source.train), (std::map<std::int32_t, int>{{0, 7}, {1, 7}}));
  EXPECT_EQ(counts(*source.test), (std::map<std::int32_t, int>{{0, 3}, {1, 3}}));
  EXPECT_EQ(source.image_size, 4);
  EXPECT_EQ(source.files, 20U);
  EXPECT_EQ(source.unlabelled, nullptr);
  auto parts = sorted_pixels(*source.train);
  for (auto& pixels : sorted_pixels(*source.test)) parts.push_back(pixels);
  std::sort(parts.begin(), parts.end());
  EXPECT_TRUE(std::adjacent_find(parts.begin(), parts.end()) == parts.end());
}

TEST(OpenPictures, TestImagesFollowFromTheSplitSeedAlone) {
  const TempFolder folder;
  put_classes(folder.path());
  DataSettings settings = settings_of(folder.path());
  const auto first = sorted_pixels(*open_source(settings).test);
  settings.train_percent = 0.5;
  EXPECT_EQ(sorted_pixels(*open_data(settings).test), first);
  settings.split_seed = 1;
  EXPECT_NE(sorted_pixels(*open_data(settings).test), first);
}

TEST(OpenPictures, IndicesOfAllPartsCountPicturesByName) {
  const TempFolder folder;
  put_classes(folder.path());
  const DataSplits data = open_data(settings_of(folder.path()));
  std::vector<std::size_t> together;
  for (const auto& part : {data.train, data.validation, data.test}) {
    for (const std::size_t index : part->indices()) together.push_back(index);
    EXPECT_EQ(part->get(0).label, part->indices()[0] < 10 ? 0 : 1);  // cats stand before dogs
  }
  std::sort(together.begin(), together.end());
  ASSERT_EQ(together.size(), 20U);
  for (std::size_t i = 0; i < together.size(); ++i) EXPECT_EQ(together[i], i);
}

TEST(OpenPictures, PartsOfTheSourceStayAsTheyAre) {
  const TempFolder folder;
  put_classes(folder / "train");
  put_file(folder / "test/cat/1.ppm", picture_bytes(50));
  put_file(folder / "test/dog/1.ppm", picture_bytes(51));
  const DataSource source = open_source(settings_of(folder.path()));
  EXPECT_EQ(source.train->size(), 20U);
  EXPECT_EQ(source.test->size(), 2U);
}

TEST(OpenPictures, FlatFolderIsUnlabelledAndHasNoTestPart) {
  const TempFolder folder;
  for (int i = 0; i < 10; ++i) put_file(folder / fmt::format("{}.ppm", i), picture_bytes(i));
  KeepingSink sink;
  const DataSplits data = open_data(settings_of(folder.path()), sink);
  EXPECT_TRUE(data.class_names.empty());
  EXPECT_EQ(data.train->size(), 8U);
  EXPECT_EQ(data.validation->size(), 2U);
  EXPECT_EQ(data.test->size(), 0U);
  EXPECT_EQ(data.pretrain, data.train);
  EXPECT_EQ(sink.text, "No labels: there are no class folders.\n");
}

TEST(OpenPictures, UnlabelledFolderIsForPretrainingOnly) {
  const TempFolder folder;
  put_classes(folder / "train");
  for (int i = 0; i < 5; ++i)
    put_file(folder / fmt::format("unlabelled/{}.ppm", i), picture_bytes(200 + i));
  const DataSplits data = open_data(settings_of(folder.path()));
  const std::size_t train = data.train->size();
  EXPECT_EQ(train, 12U);  // of 20: 4 test, 4 validation (20 % of 8 a class, rounded)
  ASSERT_EQ(data.pretrain->size(), train + 5);
  for (std::size_t i = 0; i < train; ++i)
    EXPECT_EQ(pixels_of(data.pretrain->get(i)), pixels_of(data.train->get(i)));
  EXPECT_EQ(pixels_of(data.pretrain->get(train)), picture_pixels(200));
  EXPECT_EQ(data.pretrain->get(train).label, -1);
}

TEST(OpenPictures, FolderListAndArchivesGiveTheSameImages) {
  const TempFolder folder;
  put_classes(folder / "set");
  std::vector<TarEntry> entries;
  std::string list;
  for (int i = 9; i >= 0; --i) {  // an archive's own order is of no account
    entries.push_back({fmt::format("set/dog/{}.ppm", i), picture_bytes(100 + i)});
    entries.push_back({fmt::format("set/cat/{}.ppm", i), picture_bytes(i)});
  }
  for (const char* name : {"cat", "dog"})
    for (int i = 0; i < 10; ++i) list += fmt::format("set/{}/{}.ppm\n", name, i);
  put_file(folder / "list.txt", list);
  const DataSource wanted = open_source(settings_of(folder / "set"));
  for (const char* name : {"list.txt", "a.tar", "a.tar.gz", "a.zip"}) {
    if (std::string(name) != "list.txt") make_archive(folder / name, entries);
    const DataSource source = open_source(settings_of(folder / name));
    EXPECT_EQ(source.class_names, wanted.class_names) << name;
    ASSERT_EQ(source.train->size(), wanted.train->size()) << name;
    for (std::size_t i = 0; i < wanted.train->size(); ++i) {
      EXPECT_EQ(pixels_of(source.train->get(i)), pixels_of(wanted.train->get(i))) << name;
      EXPECT_EQ(source.train->get(i).label, wanted.train->get(i).label) << name;
    }
  }
}

TEST(OpenPictures, SkippedFilesAreListedAndCounted) {
  const TempFolder folder;
  put_classes(folder.path());
  put_file(folder / "cat/\xff.jpg", "oops");
  fs::create_symlink("nowhere", folder / "dog/gone.jpg");
  const DataSplits data = open_data(settings_of(folder.path()));
  EXPECT_EQ(data.files, 22U);
  ASSERT_EQ(data.skipped.size(), 2U);
  EXPECT_EQ(data.skipped[0].name, "dog/gone.jpg");
  EXPECT_EQ(data.skipped[1].name, "cat/\\xff.jpg");
}

TEST(OpenPictures, StrictMakesSkippingAnErrorFromTheCacheToo) {
  const TempFolder folder;
  put_classes(folder / "set");
  put_file(folder / "set/cat/bad.jpg", "oops");
  DataSettings settings = settings_of(folder / "set", folder / "cache");
  settings.strict = true;
  expect_error(ExitCode::kData, "cat/bad.jpg: ", [&] { open_source(settings); });
  settings.strict = false;
  open_source(settings);
  settings.strict = true;
  expect_error(ExitCode::kData, "cat/bad.jpg: ", [&] { open_source(settings); });
  fs::remove(folder / "set/cat/bad.jpg");
  fs::create_symlink("nowhere", folder / "set/gone.jpg");
  expect_error(ExitCode::kData, "gone.jpg: No such file", [&] { open_source(settings); });
}

TEST(OpenPictures, CacheSparesTheSecondReading) {
  const TempFolder folder;
  put_classes(folder / "set");
  make_archive(folder / "a.tar", {{"1.ppm", picture_bytes(1)}, {"2.ppm", picture_bytes(2)}});
  const auto read = [&](SourceKind kind, const fs::path& source, bool& decoded) {
    KeepingSink sink;
    const auto opened = open_pictures(kind, settings_of(source, folder / "cache"), false, sink);
    decoded = sink.tasks.contains("reading images");
    return sorted_pixels(*opened.train);
  };
  for (const auto& [kind, source] : {std::pair(SourceKind::kFolder, folder / "set"),
                                     std::pair(SourceKind::kArchive, folder / "a.tar")}) {
    bool decoded = false;
    const auto pixels = read(kind, source, decoded);
    EXPECT_TRUE(decoded);
    EXPECT_EQ(read(kind, source, decoded), pixels);
    EXPECT_FALSE(decoded);
  }
}

TEST(OpenPictures, FileReplacedByOneOfItsSizeAndTimeIsNoticed) {
  const TempFolder folder;
  put_classes(folder / "set");
  const DataSettings settings = settings_of(folder / "set", folder / "cache");
  EXPECT_TRUE(open_source(settings).skipped.empty());
  replace_with_its_time(folder / "set/cat/1.ppm");
  EXPECT_EQ(open_source(settings).skipped.size(), 1U);
}

TEST(OpenPictures, ArchiveReplacedByOneOfItsSizeAndTimeIsNoticed) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"1.ppm", picture_bytes(1)}});
  const DataSettings settings = settings_of(folder / "a.tar", folder / "cache");
  NullSink silence;
  open_pictures(SourceKind::kArchive, settings, false, silence);
  replace_with_its_time(folder / "a.tar");
  expect_error(ExitCode::kData,
               [&] { open_pictures(SourceKind::kArchive, settings, false, silence); });
}

TEST(OpenPictures, FileThatMayNotBeReadIsTriedAgainOnceItsPermissionsChange) {
  const TempFolder folder;
  put_classes(folder / "set");
  fs::create_directory(folder / "cache");
  fs::permissions(folder.path(), fs::perms(0755));
  fs::permissions(folder / "cache", fs::perms(0777));
  const DataSettings settings = settings_of(folder / "set", folder / "cache");
  std::size_t skipped = 0;
  const auto is_read = [&] {
    const Unprivileged nobody;
    KeepingSink sink;
    skipped = open_source(settings, sink).skipped.size();
    return sink.tasks.contains("reading images");
  };
  const fs::path closed = folder / "set/cat/1.ppm";
  fs::permissions(closed, fs::perms(0));
  EXPECT_TRUE(is_read());
  EXPECT_EQ(skipped, 1U);
  EXPECT_FALSE(is_read());
  EXPECT_EQ(skipped, 1U);
  change(closed, [&] { fs::permissions(closed, fs::perms(0644)); });
  EXPECT_TRUE(is_read());
  EXPECT_EQ(skipped, 0U);
}

TEST(OpenPictures, ReadingAgainIsOnRequest) {
  const TempFolder folder;
  put_classes(folder / "set");
  const DataSettings settings = settings_of(folder / "set", folder / "cache");
  open_source(settings);
  forge(fs::directory_iterator(folder / "cache")->path());
  NullSink silence;
  EXPECT_EQ(open_source(settings, silence).pictures->size(), 1U);
  EXPECT_EQ(open_source(settings, silence, true).pictures->size(), 20U);
  EXPECT_EQ(open_source(settings, silence).pictures->size(), 20U);
}

TEST(OpenPictures, CacheIsForTheseFilesAndSettings) {
  const TempFolder folder;
  put_classes(folder / "set");
  put_file(folder / "set/cat/large.ppm", picture_bytes(7, 30, 40));
  DataSettings settings = settings_of(folder / "set", folder / "cache");
  const auto is_read = [&] {
    KeepingSink sink;
    open_source(settings, sink);
    return sink.tasks.contains("reading images");
  };
  EXPECT_TRUE(is_read());
  EXPECT_FALSE(is_read());
  settings.split_seed = 5;  // changes no pixel
  settings.train_percent = 0.5;
  settings.strict = true;
  EXPECT_FALSE(is_read());
  settings.image_size = 10;
  EXPECT_TRUE(is_read());
  settings.stored_side = 12;
  EXPECT_TRUE(is_read());
  settings.exif = true;
  EXPECT_TRUE(is_read());
  settings.labels = LabelSource::kNone;
  EXPECT_TRUE(is_read());
  EXPECT_FALSE(is_read());
  put_file(folder / "set/cat/1.ppm", picture_bytes(9, 5, 5));  // another size
  EXPECT_TRUE(is_read());
  const timespec times[2] = {{1, 0}, {1, 0}};  // another time
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder / "set/cat/1.ppm").c_str(), times, 0), 0);
  EXPECT_TRUE(is_read());
  fs::rename(folder / "set/cat/1.ppm", folder / "set/cat/one.ppm");
  EXPECT_TRUE(is_read());
  fs::remove(folder / "set/cat/one.ppm");
  EXPECT_TRUE(is_read());
  EXPECT_FALSE(is_read());
}

TEST(OpenPictures, SameNamesElsewhereAreOtherPictures) {
  const TempFolder folder;
  const timespec times[2] = {{1, 0}, {1, 0}};
  for (const char* name : {"a/1.ppm", "b/1.ppm"}) {
    put_file(folder / name, picture_bytes(name[0]));
    ASSERT_EQ(::utimensat(AT_FDCWD, (folder / name).c_str(), times, 0), 0);
  }
  for (const char* name : {"a", "b"}) {
    const DataSource source = open_source(settings_of(folder / name, folder / "cache"));
    EXPECT_EQ(pixels_of(source.train->get(0)), picture_pixels(name[0])) << name;
  }
}

TEST(OpenPictures, ImageSizeAndStoredSideAreAsAskedOrTwiceAsLarge) {
  const TempFolder folder;
  put_file(folder / "1.ppm", picture_bytes(1, 300, 400));
  put_file(folder / "2.ppm", picture_bytes(2, 20, 30));
  DataSettings settings = settings_of(folder.path());
  const auto sides = [&] {
    const DataSource source = open_source(settings);
    const Image image = source.train->get(0);
    return std::vector<int>{source.image_size, image.height, image.width};
  };
  EXPECT_EQ(sides(), (std::vector<int>{64, 128, 170}));
  settings.image_size = 32;
  EXPECT_EQ(sides(), (std::vector<int>{32, 64, 85}));
  settings.stored_side = 100;
  EXPECT_EQ(sides(), (std::vector<int>{32, 100, 133}));
}

TEST(OpenPictures, AllBadIsAnErrorAndLeavesNoCache) {
  const TempFolder folder;
  put_file(folder / "set/1.ppm", "x");
  const DataSettings settings = settings_of(folder / "set", folder / "cache");
  expect_error(ExitCode::kData, "none of its 1 pictures can be read",
               [&] { open_source(settings); });
  EXPECT_TRUE(fs::is_empty(folder / "cache"));
}

}  // namespace
}  // namespace simclr
