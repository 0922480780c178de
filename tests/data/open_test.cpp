#include "simclr/data/open.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "simclr/core/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

DataSettings shapes(std::int64_t images) {
  DataSettings settings;
  settings.shapes_images = images;
  return settings;
}

std::map<std::int32_t, int> counts(const Dataset& dataset) {
  std::map<std::int32_t, int> result;
  for (std::size_t i = 0; i < dataset.size(); ++i) ++result[dataset.get(i).label];
  return result;
}

std::set<std::string> images_of(const Dataset& dataset) {
  std::set<std::string> result;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const auto pixels = dataset.get(i).pixels;
    result.emplace(pixels.begin(), pixels.end());
  }
  return result;
}

TEST(OpenSource, ShapesAreAsManyAsAskedAndHalfAsManyForTesting) {
  const DataSource source = open_source(shapes(200));
  EXPECT_EQ(source.train->size(), 200U);
  EXPECT_EQ(source.test->size(), 100U);
  EXPECT_EQ(source.class_names.size(), 10U);
  EXPECT_EQ(source.image_size, 32);
}

TEST(OpenSource, MoreShapesKeepTheFirstOnesAndShareNoneWithTheTest) {
  const DataSource small = open_source(shapes(100));
  const DataSource large = open_source(shapes(200));
  std::set<std::string> images = images_of(*large.train);
  EXPECT_EQ(images.size(), 200U);
  images.merge(images_of(*small.train));
  EXPECT_EQ(images.size(), 200U);
  images.merge(images_of(*large.test));
  EXPECT_EQ(images.size(), 300U);
}

/// The cache folder for as long as it lives.
class CacheHome {
 public:
  explicit CacheHome(const std::filesystem::path& folder) {
    ::setenv("SIMCLR_HOME", folder.c_str(), 1);
  }
  ~CacheHome() { ::unsetenv("SIMCLR_HOME"); }
};

TEST(OpenSource, NamedSetsAreFoundInTheCacheFolderOnceFetched) {
  const TempFolder folder;
  const CacheHome home(folder.path());
  DataSettings settings;  // wherever pictures are kept, if at all
  settings.source = "cifar10";
  write_file_atomically(folder / "cifar-10-binary.tar.gz", "not yet whole");
  // It is opened: what is wrong is what stands in it.
  expect_error(ExitCode::kData, (folder / "cifar-10-binary.tar.gz").string(),
               [&] { open_source(settings); });
}

TEST(OpenSource, NamedSetsThatWereNotFetchedSayHow) {
  const TempFolder folder;
  const CacheHome home(folder.path());
  DataSettings settings;
  settings.source = "cifar10";
  const Error ten = expect_error(ExitCode::kData, [&] { open_source(settings); });
  EXPECT_EQ(std::string(ten.what()), "cifar10 has not been fetched");
  EXPECT_EQ(ten.hint(),
            "`simclr data get cifar10` fetches it. By hand: get "
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz and give it, or the folder "
            "unpacked from it, with --data PATH.");
  for (const char* name : {"cifar100", "stl10"}) {
    settings.source = name;
    const Error error = expect_error(ExitCode::kData, [&] { open_source(settings); });
    EXPECT_TRUE(contains(error.hint(), fmt::format("`simclr data get {}`", name)));
  }
}

TEST(OpenSource, UnknownSourceIsAUsageError) {
  DataSettings settings;
  settings.source = "no/such/place";
  const Error error = expect_error(ExitCode::kUsage, [&] { open_source(settings); });
  EXPECT_EQ(std::string(error.what()), "no/such/place: no such data source");
  EXPECT_TRUE(error.hint().starts_with("Give shapes10 (built in), cifar10, cifar100 or stl10"));
}

TEST(OpenSource, LabelsNoneHoldsForSetsThatAlwaysHaveLabels) {
  DataSettings settings = shapes(100);
  settings.labels = LabelSource::kNone;
  const DataSource source = open_source(settings);
  EXPECT_TRUE(source.class_names.empty());
  EXPECT_EQ(counts(*source.train), (std::map<std::int32_t, int>{{-1, 100}}));
  EXPECT_EQ(counts(*source.test), (std::map<std::int32_t, int>{{-1, 50}}));
  EXPECT_EQ(images_of(*source.train), images_of(*open_source(shapes(100)).train));
  const DataSplits splits = open_data(settings);
  EXPECT_EQ(counts(*splits.train), (std::map<std::int32_t, int>{{-1, 80}}));
  EXPECT_EQ(splits.test->size(), 0U);
}

TEST(OpenSource, ImageSizeIsAsAsked) {
  DataSettings settings = shapes(100);
  settings.image_size = 48;
  EXPECT_EQ(open_source(settings).image_size, 48);
  EXPECT_EQ(open_data(settings).image_size, 48);
}

TEST(OpenSource, PathThatHoldsNoImagesIsADataError) {
  const TempFolder folder;
  DataSettings settings;
  settings.source = folder.path().string();
  expect_error(ExitCode::kData, [&] { open_source(settings); });
}

// Official files as holes in the file system: 60,000 black planes.
TEST(OpenData, CifarFolderIsOpened) {
  const TempFolder folder;
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                           "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}) {
    write_file_atomically(folder / name, "");
    std::filesystem::resize_file(folder / name, 30'730'000);
  }
  DataSettings settings;
  settings.source = folder.path().string();
  settings.train_percent = 0.2;
  const DataSplits splits = open_data(settings);
  EXPECT_EQ(splits.train->size(), 8000U);
  EXPECT_EQ(splits.validation->size(), 2000U);
  EXPECT_EQ(splits.test->size(), 10000U);
  EXPECT_EQ(splits.class_names.front(), "plane");
  EXPECT_EQ(splits.image_size, 32);
}

TEST(OpenData, TheRestIsWhatTheShareLeavesOut) {
  DataSettings settings = shapes(1000);
  settings.train_percent = 0.2;
  const DataSplits share = open_data(settings);
  settings.train_rest = true;
  const DataSplits rest = open_data(settings);
  std::vector<std::size_t> indices;
  for (const DataSplits* splits : {&share, &rest}) {
    for (const auto& part : {splits->train, splits->validation})
      indices.insert(indices.end(), part->indices().begin(), part->indices().end());
  }
  std::sort(indices.begin(), indices.end());
  ASSERT_EQ(indices.size(), 1000U);
  for (std::size_t i = 0; i < indices.size(); ++i) EXPECT_EQ(indices[i], i);
  EXPECT_EQ(rest.train->size() + rest.validation->size(), 800U);
  EXPECT_EQ(rest.test->size(), share.test->size());
}

TEST(OpenData, SplitsTheUsedShareAndLeavesTheTestWhole) {
  DataSettings settings = shapes(1000);
  settings.train_percent = 0.5;
  settings.validation_percent = 0.2;
  const DataSplits splits = open_data(settings);
  EXPECT_EQ(splits.train->size(), 400U);
  EXPECT_EQ(splits.validation->size(), 100U);
  EXPECT_EQ(splits.test->size(), 500U);
  for (const auto& [label, count] : counts(*splits.train)) EXPECT_EQ(count, 40) << label;
  for (const auto& [label, count] : counts(*splits.validation)) EXPECT_EQ(count, 10) << label;
}

TEST(OpenData, NoImageIsInTwoParts) {
  const DataSplits splits = open_data(shapes(300));
  std::set<std::string> images = images_of(*splits.train);
  images.merge(images_of(*splits.validation));
  images.merge(images_of(*splits.test));
  EXPECT_EQ(images.size(), 450U);
}

TEST(OpenData, KeepsTheFirstClassesInEveryPart) {
  DataSettings settings = shapes(200);
  settings.subset_classes = 3;
  const DataSplits splits = open_data(settings);
  EXPECT_EQ(splits.class_names, (std::vector<std::string>{"disc", "square", "triangle"}));
  EXPECT_EQ(counts(*splits.train), (std::map<std::int32_t, int>{{0, 16}, {1, 16}, {2, 16}}));
  EXPECT_EQ(counts(*splits.validation), (std::map<std::int32_t, int>{{0, 4}, {1, 4}, {2, 4}}));
  EXPECT_EQ(counts(*splits.test), (std::map<std::int32_t, int>{{0, 10}, {1, 10}, {2, 10}}));
}

TEST(OpenData, OnlyTheSplitSeedChoosesTheImages) {
  DataSettings settings = shapes(200);
  const DataSplits first = open_data(settings);
  EXPECT_EQ(images_of(*open_data(settings).validation), images_of(*first.validation));
  settings.split_seed = 1;
  const DataSplits second = open_data(settings);
  EXPECT_NE(images_of(*second.validation), images_of(*first.validation));
  EXPECT_EQ(images_of(*second.test), images_of(*first.test));
}

TEST(OpenData, MoreClassesThanThereAreIsAUsageError) {
  DataSettings settings = shapes(200);
  settings.subset_classes = 11;
  const Error error = expect_error(ExitCode::kUsage, [&] { open_data(settings); });
  EXPECT_EQ(std::string(error.what()), "data.subset_classes is 11, but shapes10 has 10 classes");
  EXPECT_EQ(error.hint(), "Give a smaller number, or 0 to keep all.");
}

TEST(OpenData, PretrainingUsesTheTrainingImagesWhereNothingIsUnlabelled) {
  const DataSplits splits = open_data(shapes(100));
  EXPECT_EQ(splits.pretrain, splits.train);
}

TEST(RequireLabels, PassesWhatHasLabelsAndTestImages) {
  EXPECT_NO_THROW(require_labels(open_data(shapes(100)), "knn"));
}

TEST(RequireLabels, SaysWhoNeedsThemAndHowToGiveThem) {
  DataSplits splits = open_data(shapes(100));
  splits.class_names.clear();
  const Error error = expect_error(ExitCode::kUsage, [&] { require_labels(splits, "linear"); });
  EXPECT_EQ(std::string(error.what()), "linear needs labels, and these images have none");
  EXPECT_TRUE(contains(error.hint(), "DIR/cat/1.jpg"));
}

TEST(RequireLabels, SaysThatThereAreNoTestImages) {
  DataSplits splits = open_data(shapes(100));
  splits.test = std::make_shared<Subset>(splits.test, std::vector<std::size_t>{});
  expect_error(ExitCode::kUsage, "knn needs test images, and there are none",
               [&] { require_labels(splits, "knn"); });
}

TEST(OpenData, EmptyPartIsAUsageErrorThatNamesIt) {
  DataSettings settings = shapes(100);
  settings.train_percent = 0.1;  // one image of every class: none is left for validation
  const Error error = expect_error(ExitCode::kUsage, [&] { open_data(settings); });
  EXPECT_EQ(std::string(error.what()), "these settings leave no validation images");
  EXPECT_TRUE(contains(error.hint(), "Raise data.train_percent"));
}

}  // namespace
}  // namespace simclr
