#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "simclr/data/open_pictures.h"
#include "tests/data/pictures.h"
#include "tests/formats/make_archive.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

constexpr Stl10Counts kCounts{3, 2, 4};  // in place of the official ones
constexpr std::size_t kImageBytes = 96 * 96 * 3;

/// Images of one colour each: first, first + 1, ...
std::string images(int first, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += std::string(kImageBytes, static_cast<char>(first + i));
  return bytes;
}

/// The test part comes first, as it may in an archive.
std::vector<TarEntry> stl10() {
  return {{"stl10_binary/test_X.bin", images(20, 2)},
          {"stl10_binary/test_y.bin", "\x01\x0a"},
          {"stl10_binary/unlabeled_X.bin", images(30, 4)},
          {"stl10_binary/train_y.bin", "\x02\x03\x04"},
          {"stl10_binary/train_X.bin", images(10, 3)}};
}

DataSource open(const std::filesystem::path& path, const std::filesystem::path& cache,
                EventSink& sink, std::int64_t image_size = 0) {
  DataSettings settings;
  settings.source = path.string();
  settings.cache = cache.string();
  settings.image_size = image_size;
  return open_stl10(settings, false, sink, kCounts);
}

void expect_stl10(const DataSource& source) {
  ASSERT_EQ(source.train->size(), 3U);
  ASSERT_EQ(source.test->size(), 2U);
  ASSERT_EQ(source.unlabelled->size(), 4U);
  EXPECT_EQ(source.class_names.size(), 10U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(source.train->get(i).pixels[0], 10 + i);
    EXPECT_EQ(source.train->get(i).label, static_cast<std::int32_t>(i + 1));
  }
  EXPECT_EQ(source.test->get(1).pixels[0], 21);
  EXPECT_EQ(source.test->get(1).label, 9);
  EXPECT_EQ(source.unlabelled->get(3).pixels[0], 33);
  EXPECT_EQ(source.unlabelled->get(3).label, -1);
}

TEST(OpenStl10, PartsComeFromTheArchiveAndThenFromTheCache) {
  const TempFolder folder;
  make_archive(folder / "stl10_binary.tar.gz", stl10());
  for (const bool reads : {true, false}) {
    KeepingSink sink;
    const DataSource source = open(folder / "stl10_binary.tar.gz", folder / "cache", sink);
    expect_stl10(source);
    EXPECT_EQ(source.image_size, 96);
    EXPECT_EQ(source.train->get(0).height, 96);
    EXPECT_EQ(sink.tasks.contains("reading images"), reads);
  }
}

TEST(OpenStl10, FolderIsReadAgainWhenAFileChanges) {
  const TempFolder folder;
  for (const TarEntry& entry : stl10()) put_file(folder / entry.name, entry.bytes);
  const auto is_read = [&] {
    KeepingSink sink;
    expect_stl10(open(folder.path(), folder / "cache", sink));
    return sink.tasks.contains("reading images");
  };
  EXPECT_TRUE(is_read());
  EXPECT_FALSE(is_read());
  const timespec times[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder / "stl10_binary/train_y.bin").c_str(), times, 0), 0);
  EXPECT_TRUE(is_read());
}

TEST(OpenStl10, SetBehindALinkIsReadAgainWhenAFileChanges) {
  const TempFolder folder;
  for (const TarEntry& entry : stl10()) put_file(folder / "disk" / entry.name, entry.bytes);
  std::filesystem::create_directory(folder / "set");
  std::filesystem::create_directory_symlink("../disk/stl10_binary", folder / "set/stl10_binary");
  const auto is_read = [&] {
    KeepingSink sink;
    expect_stl10(open(folder / "set", folder / "cache", sink));
    return sink.tasks.contains("reading images");
  };
  EXPECT_TRUE(is_read());
  EXPECT_FALSE(is_read());
  const timespec times[2] = {{1, 0}, {1, 0}};
  const auto changed = folder / "disk/stl10_binary/train_X.bin";
  ASSERT_EQ(::utimensat(AT_FDCWD, changed.c_str(), times, 0), 0);
  EXPECT_TRUE(is_read());
}

TEST(OpenStl10, ImagesAreShrunkToTwiceTheImageSize) {
  const TempFolder folder;
  make_archive(folder / "stl10_binary.tar.gz", stl10());
  NullSink silence;
  const DataSource source = open(folder / "stl10_binary.tar.gz", "", silence, 32);
  expect_stl10(source);
  EXPECT_EQ(source.image_size, 32);
  EXPECT_EQ(source.train->get(0).height, 64);
}

}  // namespace
}  // namespace simclr
