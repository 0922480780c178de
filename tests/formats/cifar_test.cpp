#include "simclr/formats/cifar.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "simclr/core/files.h"
#include "tests/formats/make_archive.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

constexpr std::size_t kRecords = 3;  // per file, in place of the official 10,000
constexpr std::size_t kPixels = 3072;

using Files = std::map<std::string, std::string>;  // name, bytes

std::uint8_t pixel(std::size_t file, std::size_t record, std::size_t place, std::size_t channel) {
  return static_cast<std::uint8_t>(file * 97 + record * 31 + place * 3 + channel * 101);
}

/// Records in CIFAR's order: labels, then the red, the green and the blue plane.
std::string records(std::size_t file, std::size_t count, std::size_t label_bytes) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    if (label_bytes == 2) bytes.push_back(static_cast<char>((file + i) % 20));
    bytes.push_back(static_cast<char>((file + i) % 10));
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t p = 0; p < kPixels / 3; ++p) {
        bytes.push_back(static_cast<char>(pixel(file, i, p, c)));
      }
    }
  }
  return bytes;
}

Files cifar10() {
  Files files{{"test_batch.bin", records(6, kRecords, 1)}, {"batches.meta.txt", "airplane\n"}};
  for (std::size_t i = 1; i <= 5; ++i) {
    files["data_batch_" + std::to_string(i) + ".bin"] = records(i, kRecords, 1);
  }
  return files;
}

Files cifar100() {
  return {{"train.bin", records(1, 5 * kRecords, 2)}, {"test.bin", records(2, kRecords, 2)}};
}

std::string hundred_names() {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "name" + std::to_string(i) + "\n";
  return text;
}

// ---- the Python version: protocol 2 as Python 2 wrote it ----

std::string little(std::size_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

std::string python_text(const std::string& text) { return "T" + little(text.size(), 4) + text; }

std::string python_pixels(std::size_t file, std::size_t count) {
  std::string bytes;
  const std::string all = records(file, count, 1);
  for (std::size_t i = 0; i < count; ++i) bytes += all.substr(i * (kPixels + 1) + 1, kPixels);
  return "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK"s + '\0' + "\x85U\x01" +
         "b\x87R(K\x01J" + little(count, 4) + "J" + little(kPixels, 4) + "\x86" +
         "cnumpy\ndtype\nU\x02u1K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff"
         "\xffK\0tb\x89"s +
         python_text(bytes) + "tb";
}

std::string python_labels(std::size_t file, std::size_t count) {
  std::string labels = "](";
  for (std::size_t i = 0; i < count; ++i) labels += "K"s + static_cast<char>((file + i) % 10);
  return labels + "e";
}

std::string python_batch(std::size_t file, std::size_t count, const std::string& labels_key) {
  return "\x80\x02}(" + python_text("data") + python_pixels(file, count) + python_text(labels_key) +
         python_labels(file, count) + python_text("filenames") + "](U\x05" + "a.pnge" + "u.";
}

std::string python_names(const std::string& key, const std::vector<std::string>& names) {
  std::string list = "](";
  for (const std::string& name : names) list += python_text(name);
  return "\x80\x02}(" + python_text(key) + list + "eu.";
}

const std::vector<std::string> kOfficialNames{"airplane", "automobile", "bird",  "cat",  "deer",
                                              "dog",      "frog",       "horse", "ship", "truck"};

Files python10() {
  Files files{{"test_batch", python_batch(6, kRecords, "labels")},
              {"batches.meta", python_names("label_names", kOfficialNames)},
              {"readme.html", "<html>"}};
  for (std::size_t i = 1; i <= 5; ++i) {
    files["data_batch_" + std::to_string(i)] = python_batch(i, kRecords, "labels");
  }
  return files;
}

Files python100() {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("name" + std::to_string(i));
  return {{"train", python_batch(1, 5 * kRecords, "fine_labels")},
          {"test", python_batch(2, kRecords, "fine_labels")},
          {"meta", python_names("fine_label_names", names)},
          {"file.txt~", ""}};
}

/// Ways to hand over a set: as a folder or an archive, its files at the top or one folder down.
struct Container {
  std::string name;
  std::string inner;
};

fs::path store(const TempFolder& folder, const Container& container, const Files& files) {
  const fs::path path = folder / container.name;
  if (container.name.find('.') != std::string::npos) {
    std::vector<TarEntry> entries;
    for (const auto& [name, bytes] : files) {
      entries.push_back({(fs::path(container.inner) / name).string(), bytes});
    }
    make_archive(path, entries);
  } else {
    fs::create_directories(path / container.inner);
    for (const auto& [name, bytes] : files) {
      write_file_atomically(path / container.inner / name, bytes);
    }
  }
  return path;
}

class Cifar : public testing::TestWithParam<Container> {
 protected:
  fs::path store(const Files& files) const { return simclr::store(folder_, GetParam(), files); }

  /// What read_cifar says of a set in which `change` was made.
  Error error_of(Files files, const std::function<void(Files&)>& change) const {
    change(files);
    const fs::path path = store(files);
    return expect_error(ExitCode::kData, [&] { read_cifar(path, kRecords); });
  }

  std::string full_name(const std::string& name) const {
    return (folder_ / GetParam().name / GetParam().inner / name).string();
  }

 private:
  TempFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Containers, Cifar,
                         testing::Values(Container{"folder", ""},
                                         Container{"folder", "cifar-10-batches-bin"},
                                         Container{"set.tar.gz", "cifar-10-batches-bin"},
                                         Container{"set.tgz", ""}, Container{"set.tar", "inner"},
                                         Container{"set.zip", "cifar-10-batches-py"}),
                         [](const auto& info) { return "Number" + std::to_string(info.index); });

void expect_images(const CifarPart& part, std::size_t at, std::size_t file, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(part.labels.at(at + i), static_cast<std::int32_t>((file + i) % 10));
    for (std::size_t p = 0; p < kPixels / 3; ++p) {
      for (std::size_t c = 0; c < 3; ++c) {
        ASSERT_EQ(part.pixels.at((at + i) * kPixels + 3 * p + c), pixel(file, i, p, c));
      }
    }
  }
}

TEST_P(Cifar, TenIsReadInOrderWithItsPlanesInterleaved) {
  const CifarFiles files = read_cifar(store(cifar10()), kRecords);
  ASSERT_EQ(files.train.labels.size(), 5 * kRecords);
  ASSERT_EQ(files.test.labels.size(), kRecords);
  for (std::size_t i = 1; i <= 5; ++i) expect_images(files.train, (i - 1) * kRecords, i, kRecords);
  expect_images(files.test, 0, 6, kRecords);
  EXPECT_EQ(files.class_names, (std::vector<std::string>{"plane", "car", "bird", "cat", "deer",
                                                         "dog", "frog", "horse", "ship", "truck"}));
}

TEST_P(Cifar, HundredIsReadByItsFineLabels) {
  const CifarFiles files = read_cifar(store(cifar100()), kRecords);
  ASSERT_EQ(files.train.labels.size(), 5 * kRecords);
  expect_images(files.train, 0, 1, 5 * kRecords);
  expect_images(files.test, 0, 2, kRecords);
  ASSERT_EQ(files.class_names.size(), 100U);
  EXPECT_EQ(files.class_names.front(), "0");
  EXPECT_EQ(files.class_names.back(), "99");
}

TEST_P(Cifar, HundredTakesItsNamesFromTheFile) {
  Files files = cifar100();
  files["fine_label_names.txt"] = hundred_names() + "\n";
  const CifarFiles read = read_cifar(store(files), kRecords);
  ASSERT_EQ(read.class_names.size(), 100U);
  EXPECT_EQ(read.class_names.front(), "name0");
  EXPECT_EQ(read.class_names.back(), "name99");
}

TEST_P(Cifar, PythonTenIsTheSameAsTheBinary) {
  const CifarFiles files = read_cifar(store(python10()), kRecords);
  ASSERT_EQ(files.train.labels.size(), 5 * kRecords);
  for (std::size_t i = 1; i <= 5; ++i) expect_images(files.train, (i - 1) * kRecords, i, kRecords);
  expect_images(files.test, 0, 6, kRecords);
  EXPECT_EQ(files.class_names, (std::vector<std::string>{"plane", "car", "bird", "cat", "deer",
                                                         "dog", "frog", "horse", "ship", "truck"}));
}

TEST_P(Cifar, PythonHundredIsReadByItsFineLabels) {
  const CifarFiles files = read_cifar(store(python100()), kRecords);
  expect_images(files.train, 0, 1, 5 * kRecords);
  expect_images(files.test, 0, 2, kRecords);
  ASSERT_EQ(files.class_names.size(), 100U);
  EXPECT_EQ(files.class_names.back(), "name99");
}

TEST_P(Cifar, PythonFileThatDoesNotFitIsNamedWithItsFault) {
  const auto complaint = [&](const std::string& batch) {
    return std::string(
        error_of(python10(), [&](Files& files) { files["data_batch_3"] = batch; }).what());
  };
  const std::string file = full_name("data_batch_3");
  EXPECT_EQ(complaint("I1\n."), file + ": 4 bytes, expected 9216 to 84568");
  const std::string filler = python_text(std::string(9216, 'x'));
  EXPECT_EQ(complaint(filler + "."), file + ": not a dict");
  EXPECT_EQ(complaint(filler + "0}."), file + ": has no 'data'");
  EXPECT_EQ(complaint(python_batch(3, 4, "labels")),
            file + ": its 'data' is u1 [4, 3072], expected u1 [3, 3072]");
  EXPECT_EQ(complaint(python_batch(3, kRecords, "fine_labels")), file + ": has no 'labels'");
  EXPECT_EQ(complaint(python_batch(3, kRecords, "labels") + "xyz"),
            file + ": 3 bytes behind its end");
  EXPECT_EQ(complaint(filler + "0}(" + python_text("data") + "K\x01u."),
            file + ": its 'data': not an array of numbers");
  const std::string data =
      "}(" + python_text("data") + python_pixels(3, kRecords) + python_text("labels");
  EXPECT_EQ(complaint(data + "Nu."), file + ": its 'labels' is not a list");
  EXPECT_EQ(complaint(data + "](Neu."), file + ": its 'labels' are not numbers");
  EXPECT_EQ(complaint(data + "](K\x01" + "eu."), file + ": 1 labels, expected 3");
  EXPECT_EQ(complaint(data + "](K\x01K\x02K\x0a" + "eu."),
            file + ": record 2 has label 10, expected 0 to 9");
  EXPECT_EQ(complaint(data + "](K\x01K\x02J\xff\xff\xff\xff" + "eu."),
            file + ": record 2 has label -1, expected 0 to 9");
}

TEST_P(Cifar, PythonFileThatWouldRunAProgramRunsNothing) {
  const std::string harm = "(" + python_text(std::string(9216, 'x')) + "ios\nsystem\n.";
  const Error error = error_of(python10(), [&](Files& files) { files["data_batch_3"] = harm; });
  EXPECT_EQ(std::string(error.what()),
            full_name("data_batch_3") +
                ": names the global 'os.system', which is not on the list; nothing was executed");
}

TEST_P(Cifar, PythonNamesAreOptionalButMustBeRight) {
  Files files = python10();
  files.erase("batches.meta");
  EXPECT_EQ(read_cifar(store(files), kRecords).class_names.front(), "plane");
}

TEST_P(Cifar, PythonNamesOfTheWrongNumberAreAnError) {
  const Error few = error_of(python100(), [](Files& files) {
    files["meta"] = python_names("fine_label_names", {"apple"});
  });
  EXPECT_EQ(std::string(few.what()), full_name("meta") + ": 1 class names, expected 100");
}

TEST_P(Cifar, PythonNamesThatAreNoTextsAreAnError) {
  const Error error = error_of(python100(), [](Files& files) {
    files["meta"] = "}" + python_text("fine_label_names") + "](K\x01" + "es.";
  });
  EXPECT_EQ(std::string(error.what()),
            full_name("meta") + ": its 'fine_label_names' are not texts");
}

TEST_P(Cifar, BinaryAndPythonTogetherAreAnError) {
  const Error error = error_of(cifar10(), [](Files& files) { files.merge(python10()); });
  EXPECT_TRUE(contains(error.what(), "more than one set of CIFAR files")) << error.what();
}

TEST_P(Cifar, ShortFileIsNamedWithBothSizes) {
  const Error error =
      error_of(cifar10(), [](Files& files) { files["data_batch_3.bin"].resize(5000); });
  EXPECT_EQ(std::string(error.what()),
            full_name("data_batch_3.bin") + ": 5000 bytes, expected 9219");
  EXPECT_EQ(error.hint(),
            "Fetch cifar-10-binary.tar.gz (MD5 c32a1d4ab5d03f1284b67883e8d87530) again from "
            "https://www.cs.toronto.edu/~kriz/cifar.html and give it, or the folder unpacked from "
            "it, with --data PATH.");
}

TEST_P(Cifar, LongFileIsNamedWithBothSizes) {
  const Error error = error_of(cifar100(), [](Files& files) { files["train.bin"] += "x"; });
  EXPECT_EQ(std::string(error.what()), full_name("train.bin") + ": 46111 bytes, expected 46110");
  EXPECT_TRUE(contains(error.hint(),
                       "Fetch cifar-100-binary.tar.gz (MD5 03b5dce01913d631647c71ecec9e9cb8)"));
}

TEST_P(Cifar, EmptyFileIsNamedWithBothSizes) {
  const Error error = error_of(cifar10(), [](Files& files) { files["test_batch.bin"].clear(); });
  EXPECT_EQ(std::string(error.what()), full_name("test_batch.bin") + ": 0 bytes, expected 9219");
}

TEST_P(Cifar, MissingFileIsNamedWithItsSize) {
  const Error ten = error_of(cifar10(), [](Files& files) { files.erase("data_batch_5.bin"); });
  EXPECT_EQ(std::string(ten.what()),
            full_name("data_batch_5.bin") + ": missing, expected 9219 bytes");
}

TEST_P(Cifar, LabelOutOfRangeIsNamedWithItsRecord) {
  const Error ten =
      error_of(cifar10(), [](Files& files) { files["data_batch_2.bin"][2 * (kPixels + 1)] = 10; });
  EXPECT_EQ(std::string(ten.what()),
            full_name("data_batch_2.bin") + ": record 2 has label 10, expected 0 to 9");
}

TEST_P(Cifar, FineLabelOutOfRangeIsNamedWithItsRecord) {
  const Error hundred =
      error_of(cifar100(), [](Files& files) { files["test.bin"][kPixels + 2 + 1] = 100; });
  EXPECT_EQ(std::string(hundred.what()),
            full_name("test.bin") + ": record 1 has label 100, expected 0 to 99");
}

TEST_P(Cifar, WrongNumberOfNamesIsAnError) {
  const Error few =
      error_of(cifar100(), [](Files& files) { files["fine_label_names.txt"] = "apple\nbear\n"; });
  EXPECT_EQ(std::string(few.what()),
            full_name("fine_label_names.txt") + ": 2 class names, expected 100");
}

TEST_P(Cifar, NamesFileOutOfAllProportionIsNotRead) {
  const Error huge = error_of(
      cifar100(), [](Files& files) { files["fine_label_names.txt"] = std::string(65537, '\n'); });
  EXPECT_EQ(std::string(huge.what()),
            full_name("fine_label_names.txt") + ": 65537 bytes, expected at most 65536");
}

TEST_P(Cifar, BothSetsAreAnError) {
  const Error error = error_of(cifar10(), [](Files& files) { files.merge(cifar100()); });
  EXPECT_TRUE(contains(error.what(), ": more than one set of CIFAR files: ")) << error.what();
  EXPECT_TRUE(contains(error.what(), "data_batch_1.bin and ")) << error.what();
  EXPECT_EQ(error.hint(), "Give the folder that holds one set alone with --data PATH.");
}

TEST_P(Cifar, NoSetIsAnError) {
  const Error error = error_of({{"data_batch_6", "one too many"}}, [](Files&) {});
  EXPECT_TRUE(contains(error.what(),
                       ": no CIFAR files (data_batch_1.bin .. data_batch_5.bin and "
                       "test_batch.bin, or train.bin and test.bin; the Python version's have no "
                       ".bin)"));
  EXPECT_EQ(error.hint(),
            "Give cifar-10-binary.tar.gz, cifar-100-binary.tar.gz, their Python versions, or the "
            "folder unpacked from one.");
}

TEST(CifarContainers, FilesTwoFoldersDownAreNotSought) {
  const TempFolder folder;
  for (const Container& container : {Container{"folder", "a/b"}, Container{"a.tar", "a/b"}}) {
    const fs::path path = store(folder, container, cifar10());
    expect_error(ExitCode::kData, [&] { read_cifar(path, kRecords); });
  }
}

TEST(CifarContainers, SameSetTwiceIsAnError) {
  const TempFolder folder;
  store(folder, {"folder", "a"}, cifar10());
  const fs::path path = store(folder, {"folder", "b"}, cifar10());
  const Error error = expect_error(ExitCode::kData, [&] { read_cifar(path, kRecords); });
  EXPECT_TRUE(contains(error.what(), "a/data_batch_1.bin and b/data_batch_1.bin")) << error.what();
}

TEST(CifarContainers, SetScatteredOverFoldersIsAnError) {
  const TempFolder folder;
  Files rest = cifar10();
  Files first;
  first.insert(rest.extract("data_batch_1.bin"));
  store(folder, {"folder", "a"}, first);
  const fs::path path = store(folder, {"folder", "b"}, rest);
  const Error error = expect_error(ExitCode::kData, [&] { read_cifar(path, kRecords); });
  EXPECT_TRUE(contains(error.what(), "a/data_batch_1.bin and b/data_batch_2.bin")) << error.what();
}

TEST(CifarContainers, FileStoredTwiceIsAnError) {
  const TempFolder folder;
  const std::string bytes = records(1, kRecords, 1);
  make_archive(folder / "a.tar", {{"data_batch_1.bin", bytes}, {"data_batch_1.bin", bytes}});
  const Error error =
      expect_error(ExitCode::kData, [&] { read_cifar(folder / "a.tar", kRecords); });
  EXPECT_TRUE(contains(error.what(), "data_batch_1.bin and data_batch_1.bin")) << error.what();
}

TEST(CifarContainers, LinkInAnArchiveCountsAsMissing) {
  const TempFolder folder;
  make_archive(folder / "a.tar", {{"train.bin", records(1, 5 * kRecords, 2)},
                                  {"test.bin", "", AE_IFLNK, "train.bin"}});
  const Error error =
      expect_error(ExitCode::kData, [&] { read_cifar(folder / "a.tar", kRecords); });
  EXPECT_TRUE(contains(error.what(), "test.bin: missing, expected 9222 bytes")) << error.what();
}

TEST(CifarContainers, ArchiveCutShortIsAnError) {
  const TempFolder folder;
  const fs::path path = store(folder, {"a.tar.gz", ""}, cifar10());
  fs::resize_file(path, fs::file_size(path) / 2);
  const Error error = expect_error(ExitCode::kData, [&] { read_cifar(path, kRecords); });
  EXPECT_TRUE(contains(error.what(), path.string() + ": damaged or cut short")) << error.what();
}

// Whole official files, as holes in the file system: nothing but their sizes.
TEST(CifarContainers, OfficialSizesAreTheDefault) {
  const TempFolder folder;
  for (const auto& [name, size] : {std::pair("train.bin", 153'700'000), {"test.bin", 30'740'000}}) {
    write_file_atomically(folder / name, "");
    fs::resize_file(folder / name, static_cast<std::uintmax_t>(size));
  }
  fs::resize_file(folder / "test.bin", 30'739'999);
  const Error hundred = expect_error(ExitCode::kData, [&] { read_cifar(folder.path()); });
  EXPECT_EQ(std::string(hundred.what()),
            (folder / "test.bin").string() + ": 30739999 bytes, expected 30740000");

  const TempFolder ten;
  write_file_atomically(ten / "data_batch_1.bin", "");
  fs::resize_file(ten / "data_batch_1.bin", 30'730'000);
  const Error missing = expect_error(ExitCode::kData, [&] { read_cifar(ten.path()); });
  EXPECT_TRUE(contains(missing.what(), "data_batch_2.bin: missing, expected 30730000 bytes"));
}

}  // namespace
}  // namespace simclr
