#include "simclr/loader/batch_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "simclr/augment/apply.h"
#include "simclr/core/error.h"
#include "tests/loader/pictures.h"

namespace simclr {
namespace {

void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].images, b[i].images);
    EXPECT_EQ(a[i].labels, b[i].labels);
    EXPECT_EQ(a[i].views, b[i].views) << "batch " << i;
  }
}

std::vector<std::int64_t> sizes_of(const std::vector<Batch>& batches) {
  std::vector<std::int64_t> sizes;
  for (const Batch& batch : batches) sizes.push_back(batch.images);
  return sizes;
}

std::string settings_error(const BatchPlan& plan, std::int64_t workers) {
  try {
    const BatchLoader loader(std::make_shared<Pictures>(3), plan, workers);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(BatchLoader, SameBatchesForAnyWorkerCount) {
  const auto dataset = std::make_shared<Pictures>(50);
  const auto expected = all_batches(dataset, small_plan(), 0);
  ASSERT_EQ(expected.size(), 13U);
  for (const std::int64_t workers : {1, 2, 3, 40})
    expect_equal(all_batches(dataset, small_plan(), workers), expected);
}

TEST(BatchLoader, ViewsAreThoseOfTheDocumentedKeysAndRows) {
  const auto dataset = std::make_shared<Pictures>(11);
  BatchPlan plan = small_plan();
  plan.purpose = Purpose::kValidationView;
  const auto order = permutation(11, RandomKey{plan.seed, Purpose::kShuffle, plan.epoch});
  const std::size_t size = 6 * 6 * 3;
  std::size_t position = 0;
  for (const Batch& batch : all_batches(dataset, plan, 2)) {
    const auto n = static_cast<std::size_t>(batch.images);
    ASSERT_EQ(batch.views.size(), 2 * n * size);
    for (std::size_t i = 0; i < n; ++i, ++position)
      for (std::uint32_t v = 0; v < 2; ++v) {
        const std::uint32_t index = order[position];
        Random random(RandomKey{plan.seed, Purpose::kValidationView, plan.epoch, index, v});
        const ViewParams params =
            draw_view(plan.augment.pipeline, kImageSide, kImageSide, 6, random);
        std::vector<float> expected(size);
        ViewScratch scratch;
        apply_view(dataset->get(index), params, Normalization::kNone, 6, scratch, expected);
        const float* row = &batch.views[(v * n + i) * size];
        EXPECT_EQ(std::vector<float>(row, row + size), expected);
        EXPECT_EQ(batch.labels[i], index);
      }
  }
  EXPECT_EQ(position, 11U);
}

TEST(BatchLoader, OneRandomViewIsTheFirstOfTwo) {
  const auto dataset = std::make_shared<Pictures>(10);
  BatchPlan plan = small_plan();
  const auto two = all_batches(dataset, plan, 0);
  plan.kind = ViewKind::kOneRandom;
  const auto one = all_batches(dataset, plan, 0);
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    const auto half = static_cast<std::ptrdiff_t>(two[i].views.size() / 2);
    EXPECT_EQ(one[i].views, std::vector<float>(two[i].views.begin(), two[i].views.begin() + half));
  }
}

TEST(BatchLoader, WholeImagesAreThePixelsNormalised) {
  const auto dataset = std::make_shared<Pictures>(5);
  BatchPlan plan;
  plan.kind = ViewKind::kWholeImage;
  plan.side = kImageSide;
  const auto plain = all_batches(dataset, plan, 1);
  plan.augment.normalization = Normalization::kCifar10;
  const auto normalised = all_batches(dataset, plan, 1);
  ASSERT_EQ(plain.size(), 1U);
  EXPECT_EQ(plain[0].views[0], static_cast<float>(dataset->get(0).pixels[0]) / 255.0F);
  EXPECT_EQ(normalised[0].views[0], (plain[0].views[0] - 0.4914F) / 0.2470F);
}

TEST(BatchLoader, OrderIsTheDatasetsWithoutShuffle) {
  BatchPlan plan = small_plan();
  plan.shuffle = false;
  std::vector<std::int64_t> expected(10);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(labels_of(all_batches(std::make_shared<Pictures>(10), plan, 3)), expected);
}

TEST(BatchLoader, ShuffleVisitsEachImageOnceInANewOrderEachEpoch) {
  const auto dataset = std::make_shared<Pictures>(50);
  BatchPlan plan = small_plan();
  const auto first = labels_of(all_batches(dataset, plan, 3));
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), 50U);
  ++plan.epoch;
  EXPECT_NE(labels_of(all_batches(dataset, plan, 3)), first);
}

TEST(BatchLoader, FirstBatchSkipsToTheTailOfTheEpoch) {
  const auto dataset = std::make_shared<Pictures>(22);
  BatchPlan plan = small_plan();
  const auto whole = all_batches(dataset, plan, 0);
  for (const std::int64_t workers : kWorkerCounts)
    for (std::int64_t first = 0; first <= 7; ++first) {
      plan.first_batch = first;
      const auto skipped = std::min<std::int64_t>(first, 6);
      expect_equal(all_batches(dataset, plan, workers), {whole.begin() + skipped, whole.end()});
      EXPECT_EQ(BatchLoader(dataset, plan, workers).batches(), 6);
    }
}

TEST(BatchLoader, DropLastLeavesOutAPartialBatchOnly) {
  BatchPlan plan = small_plan();
  for (const std::int64_t workers : kWorkerCounts) {
    plan.drop_last = false;
    using Sizes = std::vector<std::int64_t>;
    EXPECT_EQ(sizes_of(all_batches(std::make_shared<Pictures>(10), plan, workers)),
              (Sizes{4, 4, 2}));
    plan.drop_last = true;
    EXPECT_EQ(sizes_of(all_batches(std::make_shared<Pictures>(10), plan, workers)), (Sizes{4, 4}));
    EXPECT_EQ(sizes_of(all_batches(std::make_shared<Pictures>(8), plan, workers)), (Sizes{4, 4}));
  }
}

TEST(BatchLoader, ABatchLargerThanTheDatasetHoldsAllOfIt) {
  BatchPlan plan = small_plan();
  plan.batch_size = INT64_MAX;
  for (const std::int64_t workers : kWorkerCounts) {
    const auto batches = all_batches(std::make_shared<Pictures>(5), plan, workers);
    EXPECT_EQ(sizes_of(batches), (std::vector<std::int64_t>{5}));
  }
  plan.drop_last = true;
  EXPECT_TRUE(all_batches(std::make_shared<Pictures>(5), plan, 1).empty());
}

TEST(BatchLoader, AnEmptyDatasetHasNoBatches) {
  for (const std::int64_t workers : kWorkerCounts) {
    BatchLoader loader(std::make_shared<Pictures>(0), small_plan(), workers);
    EXPECT_EQ(loader.batches(), 0);
    EXPECT_FALSE(loader.next());
  }
}

TEST(BatchLoader, StaysAtTheEnd) {
  for (const std::int64_t workers : kWorkerCounts) {
    BatchLoader loader(std::make_shared<Pictures>(4), small_plan(), workers);
    EXPECT_TRUE(loader.next());
    EXPECT_FALSE(loader.next());
    EXPECT_FALSE(loader.next());
  }
}

TEST(BatchLoader, RefusesSettingsOutOfRange) {
  BatchPlan plan = small_plan();
  plan.batch_size = 0;
  EXPECT_EQ(settings_error(plan, 1), "batch_size is 0, expected at least 1");
  plan = small_plan();
  plan.side = 0;
  EXPECT_EQ(settings_error(plan, 1), "side is 0, expected at least 1");
  plan = small_plan();
  plan.first_batch = -1;
  EXPECT_EQ(settings_error(plan, 1), "first_batch is -1, expected at least 0");
  EXPECT_EQ(settings_error(small_plan(), -2), "workers is -2, expected at least 0");
}

TEST(BatchesPerEpoch, CountsAPartialBatchUnlessDropped) {
  EXPECT_EQ(batches_per_epoch(10, 4, false), 3);
  EXPECT_EQ(batches_per_epoch(10, 4, true), 2);
  EXPECT_EQ(batches_per_epoch(8, 4, false), 2);
  EXPECT_EQ(batches_per_epoch(8, 4, true), 2);
  EXPECT_EQ(batches_per_epoch(3, 4, false), 1);
  EXPECT_EQ(batches_per_epoch(3, 4, true), 0);
  EXPECT_EQ(batches_per_epoch(0, 4, false), 0);
}

}  // namespace
}  // namespace simclr
