#include "simclr/data/image_cache.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "simclr/core/files.h"
#include "tests/data/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

const std::string kKey(64, 'a');

CacheInfo some_info() {
  CacheInfo info;
  info.files = 4;
  info.names = {"a.jpg", "b \\n.jpg", "c.jpg"};
  info.class_names = {"cat", "dog"};
  info.skipped = {{"d.jpg", "truncated JPEG"}};
  info.sizes = {{2, 3}, {4, 5}, {2, 3}, 7, 2};
  info.image_size = 48;
  return info;
}

/// Three pictures, given in another order than that of their ranks.
void write_three(CacheWriter& writer) {
  writer.add(7, {picture_pixels(2, 1, 5), 1, 5}, SourcePart::kUnlabelled, -1);
  writer.add(1, {picture_pixels(0, 2, 3), 2, 3}, SourcePart::kTrain, 1);
  writer.add(4, {picture_pixels(1, 4, 1), 4, 1}, SourcePart::kTest, 0);
  writer.finish(some_info());
}

std::string three() {
  std::ostringstream out;
  CacheWriter writer(out, kKey);
  write_three(writer);
  return out.str();
}

std::shared_ptr<const ImageCache> open_in(const std::filesystem::path& folder, EventSink& sink,
                                          int& builds) {
  return open_or_build(
      {folder, kKey, false},
      [&](CacheWriter& writer) {
        ++builds;
        write_three(writer);
      },
      sink);
}

TEST(ImageCache, GivesBackWhatWasWrittenInTheOrderOfRanks) {
  const ImageCache cache(hold(three()), kKey);
  ASSERT_EQ(cache.size(), 3U);
  for (int i = 0; i < 2; ++i) {
    const Image image = cache.get(static_cast<std::size_t>(i));
    EXPECT_EQ(pixels_of(image), picture_pixels(i, image.height, image.width));
    EXPECT_EQ(image.label, 1 - i);
  }
  EXPECT_EQ(pixels_of(cache.get(2)), picture_pixels(2, 1, 5));
  EXPECT_EQ(cache.get(1).height, 4);
  EXPECT_EQ(cache.get(1).width, 1);
  EXPECT_EQ(cache.indices_of(SourcePart::kTrain), std::vector<std::size_t>{0});
  EXPECT_EQ(cache.indices_of(SourcePart::kTest), std::vector<std::size_t>{1});
  EXPECT_EQ(cache.indices_of(SourcePart::kUnlabelled), std::vector<std::size_t>{2});
  EXPECT_TRUE(cache.payload_is_whole());
}

TEST(ImageCache, KeepsWhatIsKnownBesides) {
  const ImageCache cache(hold(three()), kKey);
  const CacheInfo& info = cache.info();
  const CacheInfo wanted = some_info();
  EXPECT_EQ(info.files, wanted.files);
  EXPECT_EQ(info.names, wanted.names);
  EXPECT_EQ(info.class_names, wanted.class_names);
  ASSERT_EQ(info.skipped.size(), 1U);
  EXPECT_EQ(info.skipped[0].name, "d.jpg");
  EXPECT_EQ(info.skipped[0].reason, "truncated JPEG");
  EXPECT_EQ(info.sizes.largest, wanted.sizes.largest);
  EXPECT_EQ(info.sizes.most_common_count, 7U);
  EXPECT_EQ(info.image_size, 48);
  EXPECT_TRUE(info.complete);
}

TEST(ImageCache, CutAnywhereOrLongerIsRefused) {
  const std::string whole = three();
  for (std::size_t size = 0; size < whole.size(); ++size)
    expect_error(ExitCode::kData, [&] { ImageCache(hold(whole.substr(0, size)), kKey); });
  expect_error(ExitCode::kData, "too long", [&] { ImageCache(hold(whole + "x"), kKey); });
}

TEST(ImageCache, AnyFlippedByteIsSeenThoseOfPixelsOnRequest) {
  const std::string whole = three();
  constexpr std::size_t kHeader = 256;
  const std::size_t payload_end = kHeader + 15 + 18 + 12;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    if (at >= kHeader && at < payload_end) {
      EXPECT_FALSE(ImageCache(hold(damaged), kKey).payload_is_whole()) << at;
    } else {
      expect_error(ExitCode::kData, [&] { ImageCache(hold(damaged), kKey); });
    }
  }
}

TEST(ImageCache, OtherKeyIsRefused) {
  expect_error(ExitCode::kData, "it belongs to other pictures or settings",
               [] { ImageCache(hold(three()), std::string(64, 'b')); });
}

TEST(ImageCache, EmptyCacheIsACache) {
  std::ostringstream out;
  CacheWriter writer(out, kKey);
  writer.finish({});
  EXPECT_EQ(ImageCache(hold(out.str()), kKey).size(), 0U);
}

TEST(CacheWriter, FullDiskIsAnErrorThatSaysWhatToDo) {
  std::ostringstream out;
  CacheWriter writer(out, kKey);
  out.setstate(std::ios::badbit);
  const Error error = expect_error(ExitCode::kFailed, [&] {
    writer.add(0, {picture_pixels(0), 4, 4}, SourcePart::kTrain, -1);
  });
  EXPECT_TRUE(contains(error.hint(), "data.cache"));
}

TEST(OpenOrBuild, SecondTimeNothingIsBuilt) {
  const TempFolder folder;
  KeepingSink sink;
  int builds = 0;
  const auto first = open_in(folder / "new/cache", sink, builds);
  const auto second = open_in(folder / "new/cache", sink, builds);
  EXPECT_EQ(builds, 1);
  EXPECT_EQ(pixels_of(second->get(1)), pixels_of(first->get(1)));
  EXPECT_EQ(sink.text, "");
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "new/cache"))
    files.push_back(entry.path().filename());
  EXPECT_EQ(files, std::vector<std::string>{kKey + ".images"});
}

TEST(OpenOrBuild, WithoutAFolderNothingIsWritten) {
  KeepingSink sink;
  int builds = 0;
  EXPECT_EQ(open_in("", sink, builds)->size(), 3U);
  EXPECT_EQ(open_in("", sink, builds)->size(), 3U);
  EXPECT_EQ(builds, 2);
}

TEST(OpenOrBuild, DamagedAndForeignFilesAreMadeAnewAndSaySo) {
  const TempFolder folder;
  const std::filesystem::path path = folder / (kKey + ".images");
  const std::string whole = three();
  std::string other_pixel = whole;
  other_pixel[260] = static_cast<char>(other_pixel[260] ^ 1);
  for (const std::string& bytes : {std::string(), std::string("not ours"), whole.substr(0, 300),
                                   std::string(1000, 'x'), other_pixel}) {
    put_file(path, bytes);
    KeepingSink sink;
    int builds = 0;
    EXPECT_EQ(open_in(folder.path(), sink, builds)->size(), 3U);
    EXPECT_EQ(builds, 1);
    EXPECT_TRUE(contains(sink.text, "; it is made anew")) << sink.text;
    EXPECT_EQ(read_file(path), whole);
  }
}

TEST(OpenOrBuild, IncompleteCacheIsNotUsedAgain) {
  const TempFolder folder;
  KeepingSink sink;
  int builds = 0;
  const auto build = [&](CacheWriter& writer) {
    CacheInfo info;
    info.complete = ++builds > 1;
    writer.finish(info);
  };
  for (int i = 0; i < 3; ++i) open_or_build({folder.path(), kKey, false}, build, sink);
  EXPECT_EQ(builds, 2);
  EXPECT_EQ(sink.text, "Some files could not be read last time: reading them all again.\n");
}

TEST(OpenOrBuild, RebuildReplacesTheFile) {
  const TempFolder folder;
  KeepingSink sink;
  int builds = 0;
  const auto old = open_in(folder.path(), sink, builds);
  const auto build = [](CacheWriter& writer) { writer.finish({}); };
  EXPECT_EQ(open_or_build({folder.path(), kKey, true}, build, sink)->size(), 0U);
  EXPECT_EQ(pixels_of(old->get(0)), picture_pixels(0, 2, 3));  // its map outlives the name
}

TEST(OpenOrBuild, FailedBuildLeavesTheOldFileAndNothingElse) {
  const TempFolder folder;
  KeepingSink sink;
  int builds = 0;
  open_in(folder.path(), sink, builds);
  const auto fail = [](CacheWriter& writer) {
    writer.add(0, {picture_pixels(0), 4, 4}, SourcePart::kTrain, -1);
    throw Error(ExitCode::kData, "no more");
  };
  expect_error(ExitCode::kData, "no more", [&] {
    open_or_build({folder.path(), kKey, true}, fail, sink);
  });
  EXPECT_EQ(read_file(folder / (kKey + ".images")), three());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

// As on a file system whose locks reach no other machine. Were both to write into one file, the
// second would cut what the first has written, and rename it away.
TEST(OpenOrBuild, ProcessesWithoutALockWriteIntoFilesOfTheirOwn) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / (kKey + ".images.lock"));  // cannot be opened
  const auto build = [&](CacheWriter& writer) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      KeepingSink sink;
      int builds = 0;
      ::_exit(open_in(folder.path(), sink, builds)->size() == 3 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(read_file(folder / (kKey + ".images")), three());
    writer.finish({});
  };
  NullSink silence;
  EXPECT_EQ(open_or_build({folder.path(), kKey, false}, build, silence)->size(), 0U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST(OpenOrBuild, LeftoversOfThisMachineAreRemovedWithTheNextBuild) {
  const TempFolder folder;
  std::array<char, 256> host{};
  ASSERT_EQ(::gethostname(host.data(), host.size() - 1), 0);
  const std::string ours = fmt::format("{}.images.1@{}.partial", kKey, host.data());
  const std::string theirs = fmt::format("{}.images.1@not-{}.partial", kKey, host.data());
  const std::string others =
      fmt::format("{}.images.1@{}.partial", std::string(64, 'b'), host.data());
  for (const std::string& name : {ours, theirs, others}) put_file(folder / name, "half");
  KeepingSink sink;
  int builds = 0;
  open_in(folder.path(), sink, builds);
  EXPECT_FALSE(std::filesystem::exists(folder / ours));
  EXPECT_TRUE(std::filesystem::exists(folder / theirs));
  EXPECT_TRUE(std::filesystem::exists(folder / others));
}

TEST(OpenOrBuild, FolderThatCannotBeMadeIsAnError) {
  const TempFolder folder;
  put_file(folder / "file", "");
  KeepingSink sink;
  int builds = 0;
  expect_error(ExitCode::kFailed, [&] { open_in(folder / "file/cache", sink, builds); });
}

/// Eight processes at once: every one gets the whole cache, and only one builds it.
TEST(OpenOrBuild, ProcessesThatNeedTheSameCacheShareOneBuild) {
  const TempFolder folder;
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      KeepingSink sink;
      int builds = 0;
      const auto cache = open_in(folder / "cache", sink, builds);
      if (builds > 0) append_line(folder / "builds", "one");
      ::_exit(cache->size() == 3 && cache->payload_is_whole() ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(read_file(folder / "builds"), "one\n");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "cache"), {}), 1);
}

}  // namespace
}  // namespace simclr
