#include "simclr/data/folder_labels.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/expect_error.h"

namespace simclr {
namespace {

using Names = std::vector<std::string>;
using Labels = std::vector<std::int32_t>;
using Parts = std::vector<SourcePart>;

ImageFiles labelled(const Names& names, LabelSource labels = LabelSource::kAuto) {
  ImageFiles images;
  images.source = "photos";
  for (const std::string& name : names) images.files.emplace_back().name = name;
  label_by_folder(labels, images);
  return images;
}

Labels labels_of(const ImageFiles& images) {
  Labels labels;
  for (const ImageFile& file : images.files) labels.push_back(file.label);
  return labels;
}

Parts parts_of(const ImageFiles& images) {
  Parts parts;
  for (const ImageFile& file : images.files) parts.push_back(file.part);
  return parts;
}

TEST(FolderLabels, ClassFoldersAreClassesInTheOrderOfTheirNames) {
  const ImageFiles images = labelled({"dog/1.jpg", "cat/1.jpg", "dog/2.jpg"});
  EXPECT_EQ(images.class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(labels_of(images), (Labels{1, 0, 1}));
  EXPECT_EQ(parts_of(images), (Parts{SourcePart::kTrain, SourcePart::kTrain, SourcePart::kTrain}));
  EXPECT_TRUE(images.notes.empty());
}

TEST(FolderLabels, TrainAndTestFoldersAreParts) {
  const ImageFiles images =
      labelled({"test/cat/1.jpg", "test/dog/1.jpg", "train/cat/1.jpg", "train/dog/1.jpg"});
  EXPECT_EQ(images.class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(labels_of(images), (Labels{0, 1, 0, 1}));
  EXPECT_EQ(parts_of(images),
            (Parts{SourcePart::kTest, SourcePart::kTest, SourcePart::kTrain, SourcePart::kTrain}));
}

TEST(FolderLabels, ValidationIsTheTestPartOnlyWhereThereIsNone) {
  const ImageFiles two = labelled({"train/a/1.jpg", "Val/a/1.jpg", "train/b/1.jpg"});
  EXPECT_EQ(parts_of(two), (Parts{SourcePart::kTrain, SourcePart::kTest, SourcePart::kTrain}));
  ASSERT_EQ(two.notes.size(), 1U);
  EXPECT_TRUE(contains(two.notes.front(), "validation folder is the test part"));
  const ImageFiles three = labelled({"train/a/1.jpg", "val/b/1.jpg", "test/a/1.jpg"});
  EXPECT_EQ(parts_of(three), (Parts{SourcePart::kTrain, SourcePart::kTrain, SourcePart::kTest}));
  ASSERT_EQ(three.notes.size(), 1U);
  EXPECT_TRUE(contains(three.notes.front(), "validation folder joins the training images"));
}

TEST(FolderLabels, UnlabelledFolderIsAPartWithoutLabels) {
  const ImageFiles images =
      labelled({"train/a/1.jpg", "train/b/1.jpg", "unlabelled/1.jpg", "unlabelled/x/y/2.jpg"});
  EXPECT_EQ(images.class_names, (Names{"a", "b"}));
  EXPECT_EQ(labels_of(images), (Labels{0, 1, -1, -1}));
  EXPECT_EQ(parts_of(images), (Parts{SourcePart::kTrain, SourcePart::kTrain,
                                     SourcePart::kUnlabelled, SourcePart::kUnlabelled}));
}

TEST(FolderLabels, FoldersThatAllFilesShareDoNotCount) {
  const ImageFiles images = labelled({"set/v1/cat/1.jpg", "set/v1/dog/1.jpg"});
  EXPECT_EQ(images.class_names, (Names{"cat", "dog"}));
  const ImageFiles trained = labelled({"set/train/cat/1.jpg", "set/train/dog/1.jpg"});
  EXPECT_EQ(trained.class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(parts_of(trained), (Parts{SourcePart::kTrain, SourcePart::kTrain}));
}

TEST(FolderLabels, FlatNestedMixedAndLoneFoldersAreUnlabelledAndSayWhy) {
  const struct {
    Names names;
    std::string why;
  } cases[] = {
      {{"1.jpg", "2.jpg"}, "there are no class folders"},
      {{"holiday/1.jpg", "holiday/2.jpg"}, "there are no class folders"},
      {{"2023/may/1.jpg", "2024/june/2.jpg"}, "2023/may/1.jpg lies deeper than in a class folder"},
      {{"cat/1.jpg", "dog/1.jpg", "3.jpg"}, "3.jpg lies in no class folder"},
      {{"train/cat/1.jpg", "test/cat/1.jpg"}, "there is only one class folder"},
      {{"train/1.jpg", "test/1.jpg"}, "there are no class folders"},
  };
  for (const auto& [names, why] : cases) {
    const ImageFiles images = labelled(names);
    EXPECT_TRUE(images.class_names.empty()) << why;
    EXPECT_EQ(labels_of(images), Labels(names.size(), -1)) << why;
    ASSERT_EQ(images.notes.size(), 1U) << why;
    EXPECT_EQ(images.notes.front(), "No labels: " + why + ".");
  }
  EXPECT_EQ(parts_of(labelled({"train/1.jpg", "test/1.jpg"})),
            (Parts{SourcePart::kTrain, SourcePart::kTest}));
}

TEST(FolderLabels, FoldersInsistsAndTakesTheFirstFolderAsTheClass) {
  const ImageFiles images = labelled({"cat/a/b/1.jpg", "dog/2.jpg"}, LabelSource::kFolders);
  EXPECT_EQ(images.class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(labels_of(images), (Labels{0, 1}));
  EXPECT_EQ(labelled({"cat/1.jpg"}, LabelSource::kFolders).class_names, Names{"cat"});
  const Error error = expect_error(ExitCode::kData, [] {
    labelled({"cat/1.jpg", "2.jpg"}, LabelSource::kFolders);
  });
  EXPECT_EQ(std::string(error.what()), "photos: 2.jpg lies in no class folder");
}

TEST(FolderLabels, NoneIgnoresClassesAndKeepsParts) {
  const ImageFiles images = labelled({"train/cat/1.jpg", "test/dog/1.jpg"}, LabelSource::kNone);
  EXPECT_TRUE(images.class_names.empty());
  EXPECT_EQ(labels_of(images), (Labels{-1, -1}));
  EXPECT_EQ(parts_of(images), (Parts{SourcePart::kTrain, SourcePart::kTest}));
  EXPECT_TRUE(images.notes.empty());
}

TEST(FolderLabels, ClassNamesMayBeShown) {
  EXPECT_EQ(labelled({"a\nb/1.jpg", "\xff/2.jpg"}).class_names, (Names{"a\\nb", "\\xff"}));
}

TEST(FolderLabels, NoFilesAreNoTrouble) { EXPECT_TRUE(labelled({}).class_names.empty()); }

}  // namespace
}  // namespace simclr
