#include "simclr/formats/stl10.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "simclr/core/files.h"
#include "tests/formats/make_archive.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSide = 96;
constexpr std::size_t kBytes = 3 * kSide * kSide;
constexpr Stl10Counts kCounts{3, 2, 4};  // in place of the official ones

using Files = std::vector<std::pair<std::string, std::string>>;  // name, bytes, in order

std::uint8_t pixel(std::size_t file, std::size_t image, std::size_t row, std::size_t column,
                   std::size_t channel) {
  return static_cast<std::uint8_t>(file * 97 + image * 31 + row * 3 + column * 7 + channel * 101);
}

/// Planes, column by column.
std::string planes(std::size_t file, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t column = 0; column < kSide; ++column) {
        for (std::size_t row = 0; row < kSide; ++row) {
          bytes.push_back(static_cast<char>(pixel(file, i, row, column, c)));
        }
      }
    }
  }
  return bytes;
}

/// In an order in which labels come before their pixels once, and once behind.
Files stl10() {
  return {{"class_names.txt", "a b c d e\nf g h i j\n"},
          {"test_X.bin", planes(1, 2)},
          {"test_y.bin", "\x01\x0a"},
          {"train_y.bin", "\x02\x03\x04"},
          {"train_X.bin", planes(0, 3)},
          {"unlabeled_X.bin", planes(2, 4)},
          {"fold_indices.txt", "0 1 2\n"}};
}

Files::iterator find(Files& files, const std::string& name) {
  return std::find_if(files.begin(), files.end(), [&](auto& file) { return file.first == name; });
}

struct Visited {
  std::map<Stl10Part, std::vector<std::int32_t>> labels;
  std::map<Stl10Part, std::vector<std::vector<std::uint8_t>>> images;
  Stl10Summary summary;
};

Visited read(const fs::path& path) {
  Visited visited;
  visited.summary = read_stl10(
      path,
      [&](Stl10Part part, std::int32_t label, std::span<const std::uint8_t> pixels) {
        visited.labels[part].push_back(label);
        visited.images[part].emplace_back(pixels.begin(), pixels.end());
      },
      kCounts);
  return visited;
}

void expect_image(const std::vector<std::uint8_t>& image, std::size_t file, std::size_t i) {
  ASSERT_EQ(image.size(), kBytes);
  for (std::size_t at = 0; at < kBytes; ++at) {
    ASSERT_EQ(image[at], pixel(file, i, at / 3 / kSide, at / 3 % kSide, at % 3));
  }
}

struct Container {
  std::string name;
  std::string inner;
};

class Stl10 : public testing::TestWithParam<Container> {
 protected:
  fs::path store(const Files& files) const {
    const auto& [name, inner] = GetParam();
    const fs::path path = folder_ / name;
    fs::remove_all(path);
    std::vector<TarEntry> entries;
    for (const auto& [file, bytes] : files) {
      entries.push_back({(fs::path(inner) / file).string(), bytes});
    }
    if (name.find('.') != std::string::npos) {
      make_archive(path, entries);
    } else {
      fs::create_directories(path / inner);
      for (const TarEntry& entry : entries) write_file_atomically(path / entry.name, entry.bytes);
    }
    return path;
  }

  /// What read_stl10 says of a set in which `change` was made.
  Error error_of(const std::function<void(Files&)>& change) const {
    Files files = stl10();
    change(files);
    const fs::path path = store(files);
    return expect_error(ExitCode::kData, [&] { read(path); });
  }

  std::string full_name(const std::string& name) const {
    return (folder_ / GetParam().name / GetParam().inner / name).string();
  }

 private:
  TempFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Containers, Stl10,
                         testing::Values(Container{"folder", ""},
                                         Container{"folder", "stl10_binary"},
                                         Container{"stl10_binary.tar.gz", "stl10_binary"},
                                         Container{"stl10_binary.zip", ""}),
                         [](const auto& info) { return "Number" + std::to_string(info.index); });

TEST_P(Stl10, EveryPartIsVisitedWithItsPixelsTurned) {
  const fs::path path = store(stl10());
  EXPECT_TRUE(is_stl10(path));
  Visited visited = read(path);
  EXPECT_EQ(visited.labels[Stl10Part::kTrain], (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(visited.labels[Stl10Part::kTest], (std::vector<std::int32_t>{0, 9}));
  EXPECT_EQ(visited.labels[Stl10Part::kUnlabeled], (std::vector<std::int32_t>{-1, -1, -1, -1}));
  for (std::size_t i = 0; i < 3; ++i) expect_image(visited.images[Stl10Part::kTrain][i], 0, i);
  for (std::size_t i = 0; i < 2; ++i) expect_image(visited.images[Stl10Part::kTest][i], 1, i);
  for (std::size_t i = 0; i < 4; ++i) expect_image(visited.images[Stl10Part::kUnlabeled][i], 2, i);
  EXPECT_EQ(visited.summary.class_names,
            (std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}));
  EXPECT_EQ(visited.summary.counts.unlabeled, 4U);
}

TEST_P(Stl10, UnlabelledPartAndNamesAreOptional) {
  Files files = stl10();
  files.erase(find(files, "unlabeled_X.bin"));
  files.erase(find(files, "class_names.txt"));
  Visited visited = read(store(files));
  EXPECT_EQ(visited.images[Stl10Part::kTrain].size(), 3U);
  EXPECT_EQ(visited.images[Stl10Part::kUnlabeled].size(), 0U);
  EXPECT_EQ(visited.summary.counts.unlabeled, 0U);
  EXPECT_EQ(visited.summary.class_names[7], "monkey");
}

TEST_P(Stl10, MissingFileIsNamedWithItsSize) {
  for (const auto& [name, size] : std::map<std::string, std::string>{
           {"train_X.bin", "82944"}, {"train_y.bin", "3"}, {"test_X.bin", "55296"}}) {
    Files files = stl10();
    files.erase(find(files, name));
    const fs::path path = store(files);
    const Error error = expect_error(ExitCode::kData, [&] { read(path); });
    EXPECT_EQ(std::string(error.what()),
              full_name(name) + ": missing, expected " + size + " bytes");
    EXPECT_TRUE(contains(error.hint(), "MD5 91f7769df0f17e558f3565bffb0c7dfb"));
  }
}

TEST_P(Stl10, ShortOrLongFileIsNamedWithBothSizes) {
  const Error cut = error_of([](Files& files) { find(files, "test_X.bin")->second.resize(999); });
  EXPECT_EQ(std::string(cut.what()), full_name("test_X.bin") + ": 999 bytes, expected 55296");
  const Error more = error_of([](Files& files) { find(files, "train_y.bin")->second += '\1'; });
  EXPECT_EQ(std::string(more.what()), full_name("train_y.bin") + ": 4 bytes, expected 3");
  const Error empty = error_of([](Files& files) { find(files, "unlabeled_X.bin")->second = ""; });
  EXPECT_EQ(std::string(empty.what()), full_name("unlabeled_X.bin") + ": 0 bytes, expected 110592");
}

TEST_P(Stl10, LabelOutOfRangeIsNamedWithItsRecord) {
  for (const char label : {'\0', '\x0b', '\xff'}) {
    const Error error =
        error_of([&](Files& files) { find(files, "train_y.bin")->second[2] = label; });
    EXPECT_EQ(std::string(error.what()), full_name("train_y.bin") + ": record 2 has label " +
                                             std::to_string(static_cast<unsigned char>(label)) +
                                             ", expected 1 to 10");
  }
}

TEST_P(Stl10, WrongNumberOfNamesIsAnError) {
  const Error few = error_of([](Files& files) { find(files, "class_names.txt")->second = "a b"; });
  EXPECT_EQ(std::string(few.what()), full_name("class_names.txt") + ": 2 class names, expected 10");
  const Error huge = error_of(
      [](Files& files) { find(files, "class_names.txt")->second = std::string(65537, ' '); });
  EXPECT_EQ(std::string(huge.what()),
            full_name("class_names.txt") + ": 65537 bytes, expected at most 65536");
}

TEST_P(Stl10, ClassNamesAreFitToBeShown) {
  Files files = stl10();
  find(files, "class_names.txt")->second = "\xff \x1b[2J c d e f g h i j";
  const Visited visited = read(store(files));
  EXPECT_EQ(visited.summary.class_names[0], "\\xff");
  EXPECT_EQ(visited.summary.class_names[1], "\\x1b[2J");
}

TEST_P(Stl10, OtherFilesAreNoSet) {
  const Error error = error_of([](Files& files) { files = {{"a.txt", "x"}}; });
  EXPECT_TRUE(contains(error.what(), ": no STL-10 files (train_X.bin")) << error.what();
}

TEST(Stl10Containers, SetScatteredOverFoldersIsAnError) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"a/train_y.bin", "\1\1\1"}, {"b/test_y.bin", "\1\1"}});
  const Error error = expect_error(ExitCode::kData, [&] { read(folder / "a.tar"); });
  EXPECT_TRUE(
      contains(error.what(), "more than one set of STL-10 files: a/train_y.bin and b/test_y.bin"));
}

TEST(Stl10Containers, FileStoredTwiceIsAnError) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"train_y.bin", "\1\1\1"}, {"train_y.bin", "\1\1\1"}});
  expect_error(ExitCode::kData, "more than one set", [&] { read(folder / "a.tar"); });
}

TEST(Stl10Containers, LinksThatLeadNowhereArePassedOver) {
  const TempFolder folder;
  for (const auto& [name, bytes] : stl10()) write_file_atomically(folder / name, bytes);
  fs::create_symlink("loop", folder / "loop");
  fs::create_symlink("nowhere", folder / "gone");
  EXPECT_EQ(read(folder.path()).labels[Stl10Part::kTrain].size(), 3U);
}

// An archive's names are bytes of any kind, which a terminal would obey.
TEST(Stl10Containers, NamesInErrorsAreFitToBeShown) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"\x1b[2J/train_y.bin", "\1"}});
  expect_error(ExitCode::kData, "/\\x1b[2J/train_y.bin: 1 bytes, expected 3",
               [&] { read(folder / "a.tar"); });
  make_archive(folder / "a.tar", {{"a\nb/train_y.bin", "\1\1\1"}, {"c\nd/test_y.bin", "\1\1"}});
  expect_error(ExitCode::kData, "a\\nb/train_y.bin and c\\nd/test_y.bin",
               [&] { read(folder / "a.tar"); });
}

TEST(Stl10Containers, ArchiveCutShortIsAnError) {
  const TempFolder folder;
  const fs::path path = folder / "stl10_binary.tar.gz";
  std::vector<TarEntry> entries;
  for (const auto& [name, bytes] : stl10()) entries.push_back({name, bytes});
  make_archive(path, entries, "0");
  for (const std::size_t size : {1000, 100'000, 200'000, 250'000}) {
    make_archive(path, entries, "0");
    fs::resize_file(path, size);
    expect_error(ExitCode::kData, path.string() + ": damaged or cut short", [&] { read(path); });
  }
}

TEST(IsStl10, OtherPathsAreNot) {
  const TempFolder folder;
  EXPECT_FALSE(is_stl10(folder.path()));
  EXPECT_FALSE(is_stl10(folder / "missing"));
  EXPECT_FALSE(is_stl10(folder / "cifar-10-binary.tar.gz"));
  EXPECT_TRUE(is_stl10(folder / "stl10_binary.tar.gz"));
}

// Whole official files, as holes in the file system: nothing but their sizes.
TEST(Stl10Containers, OfficialSizesAreTheDefault) {
  const TempFolder folder;
  write_file_atomically(folder / "unlabeled_X.bin", "");
  fs::resize_file(folder / "unlabeled_X.bin", 2'764'799'999);
  const auto nothing = [](Stl10Part, std::int32_t, std::span<const std::uint8_t>) {};
  expect_error(ExitCode::kData, ": 2764799999 bytes, expected 2764800000",
               [&] { read_stl10(folder.path(), nothing); });
  fs::remove(folder / "unlabeled_X.bin");
  write_file_atomically(folder / "test_y.bin", std::string(8000, '\1'));
  expect_error(ExitCode::kData, "train_X.bin: missing, expected 138240000 bytes",
               [&] { read_stl10(folder.path(), nothing); });
}

}  // namespace
}  // namespace simclr
