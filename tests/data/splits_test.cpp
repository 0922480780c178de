#include "simclr/data/splits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

namespace simclr {
namespace {

using Indices = std::vector<std::size_t>;

/// Images of no size whose labels are given.
class Labels final : public Dataset {
 public:
  explicit Labels(std::vector<std::int32_t> labels) : labels_(std::move(labels)) {}
  std::size_t size() const override { return labels_.size(); }
  Image get(std::size_t index) const override { return {{}, 0, 0, labels_[index]}; }

 private:
  std::vector<std::int32_t> labels_;
};

/// 100 images of class 0, 50 of class 1, 10 of class 2, 7 without a label, mixed.
Labels mixed() {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 100; ++i) {
    labels.push_back(0);
    if (i < 50) labels.push_back(1);
    if (i < 10) labels.push_back(2);
    if (i < 7) labels.push_back(-1);
  }
  return Labels(std::move(labels));
}

Indices all_of(const Dataset& dataset) {
  Indices indices(dataset.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return indices;
}

std::map<std::int32_t, int> counts(const Dataset& dataset, const Indices& indices) {
  std::map<std::int32_t, int> result;
  for (const std::size_t index : indices) ++result[dataset.get(index).label];
  return result;
}

bool includes(const Indices& large, const Indices& small) {
  return std::includes(large.begin(), large.end(), small.begin(), small.end());
}

using Counts = std::map<std::int32_t, int>;

TEST(FirstClasses, KeepsLabelsBelowTheNumberInOrder) {
  const Labels labels({2, 0, 1, 0, 2});
  EXPECT_EQ(first_classes(labels, 1), (Indices{1, 3}));
  EXPECT_EQ(first_classes(labels, 2), (Indices{1, 2, 3}));
  EXPECT_EQ(first_classes(labels, 9), all_of(labels));
}

TEST(FirstClasses, ZeroKeepsAll) {
  const Labels labels = mixed();
  EXPECT_EQ(first_classes(labels, 0), all_of(labels));
}

TEST(StratifiedSubset, TakesTheRoundedShareOfEveryClass) {
  const Labels labels = mixed();
  EXPECT_EQ(counts(labels, stratified_subset(labels, all_of(labels), 0.25, 1)),
            (Counts{{0, 25}, {1, 13}, {2, 3}, {-1, 2}}));
}

TEST(StratifiedSubset, TakesAtLeastOneOfEveryClass) {
  const Labels labels = mixed();
  EXPECT_EQ(counts(labels, stratified_subset(labels, all_of(labels), 1e-6, 1)),
            (Counts{{0, 1}, {1, 1}, {2, 1}, {-1, 1}}));
}

TEST(StratifiedSubset, AllIsAllInOrder) {
  const Labels labels = mixed();
  EXPECT_EQ(stratified_subset(labels, all_of(labels), 1.0, 1), all_of(labels));
}

TEST(StratifiedSubset, SmallerSharesAreNestedInLarger) {
  const Labels labels = mixed();
  Indices smaller;
  for (const double share : {0.01, 0.1, 0.2, 0.5, 0.9, 1.0}) {
    const Indices larger = stratified_subset(labels, all_of(labels), share, 3);
    EXPECT_TRUE(std::is_sorted(larger.begin(), larger.end()));
    EXPECT_TRUE(includes(larger, smaller)) << share;
    smaller = larger;
  }
}

TEST(StratifiedSubset, IsAFunctionOfTheSeed) {
  const Labels labels = mixed();
  const Indices one = stratified_subset(labels, all_of(labels), 0.2, 1);
  EXPECT_EQ(stratified_subset(labels, all_of(labels), 0.2, 1), one);
  EXPECT_NE(stratified_subset(labels, all_of(labels), 0.2, 2), one);
}

TEST(StratifiedSubset, OrderOfTheIndicesDoesNotMatter) {
  const Labels labels = mixed();
  Indices backwards = all_of(labels);
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(stratified_subset(labels, backwards, 0.2, 1),
            stratified_subset(labels, all_of(labels), 0.2, 1));
}

TEST(StratifiedSubset, OtherClassesDoNotMatter) {
  const Labels labels = mixed();
  Indices of_first = stratified_subset(labels, all_of(labels), 0.2, 1);
  std::erase_if(of_first, [&](std::size_t index) { return labels.get(index).label != 0; });
  Indices alone = all_of(labels);
  std::erase_if(alone, [&](std::size_t index) { return labels.get(index).label != 0; });
  EXPECT_EQ(stratified_subset(labels, alone, 0.2, 1), of_first);
}

// Golden: whoever asks with this key has always been given these images.
TEST(StratifiedSubset, SameImagesForTheSameKeyForEver) {
  const Labels labels(std::vector<std::int32_t>(1000, 4));
  EXPECT_EQ(stratified_subset(labels, all_of(labels), 0.005, 0), (Indices{87, 126, 520, 523, 750}));
  EXPECT_EQ(stratified_split(labels, all_of(labels), 0.005, 0).validation,
            (Indices{84, 122, 380, 649, 736}));
}

TEST(StratifiedSplit, PartsAreDisjointAndTogetherTheWhole) {
  const Labels labels = mixed();
  const TrainValidation parts = stratified_split(labels, all_of(labels), 0.2, 1);
  EXPECT_TRUE(std::is_sorted(parts.train.begin(), parts.train.end()));
  EXPECT_TRUE(std::is_sorted(parts.validation.begin(), parts.validation.end()));
  Indices together;
  std::merge(parts.train.begin(), parts.train.end(), parts.validation.begin(),
             parts.validation.end(), std::back_inserter(together));
  EXPECT_EQ(together, all_of(labels));
}

TEST(StratifiedSplit, EveryClassIsSplitAlike) {
  const Labels labels = mixed();
  const TrainValidation parts = stratified_split(labels, all_of(labels), 0.2, 1);
  EXPECT_EQ(counts(labels, parts.validation), (Counts{{0, 20}, {1, 10}, {2, 2}, {-1, 1}}));
}

TEST(StratifiedSplit, IsAFunctionOfTheSeed) {
  const Labels labels = mixed();
  const Indices one = stratified_split(labels, all_of(labels), 0.2, 1).validation;
  EXPECT_EQ(stratified_split(labels, all_of(labels), 0.2, 1).validation, one);
  EXPECT_NE(stratified_split(labels, all_of(labels), 0.2, 2).validation, one);
}

TEST(StratifiedSplit, IsNotTheSubsetOfTheSameSeed) {
  const Labels labels = mixed();
  EXPECT_NE(stratified_split(labels, all_of(labels), 0.2, 1).validation,
            stratified_subset(labels, all_of(labels), 0.2, 1));
}

TEST(StratifiedSplit, RoundsHalvesUpAndKeepsEmptyEmpty) {
  const Labels labels({0, 0, 1});
  EXPECT_TRUE(stratified_split(labels, all_of(labels), 0.2, 1).validation.empty());
  EXPECT_EQ(stratified_split(labels, all_of(labels), 0.5, 1).validation.size(), 2U);
  EXPECT_TRUE(stratified_split(labels, {}, 0.5, 1).train.empty());
}

}  // namespace
}  // namespace simclr
