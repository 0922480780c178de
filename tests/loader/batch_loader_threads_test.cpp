#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/loader/pictures.h"

namespace simclr {
namespace {

/// The message of what next() throws, "" if it throws nothing.
std::string failure_of(BatchLoader& loader) {
  try {
    loader.next();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

TEST(BatchLoaderThreads, DeliversInOrderEvenIfALaterBatchIsReadyFirst) {
  std::latch second_batch_begun(1);
  const auto dataset = std::make_shared<Pictures>(8, [&](std::size_t index) {
    if (index == 0) second_batch_begun.wait();
    if (index == 7) second_batch_begun.count_down();
  });
  BatchPlan plan = small_plan();
  plan.shuffle = false;
  EXPECT_EQ(labels_of(all_batches(dataset, plan, 2)),
            (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(BatchLoaderThreads, PreparesTwoBatchesPerWorkerAheadAndNoMore) {
  std::atomic<std::size_t> requested = 0;
  const auto dataset = std::make_shared<Pictures>(400, [&](std::size_t) { ++requested; });
  BatchPlan plan = small_plan();
  for (const std::int64_t workers : {1, 3}) {
    requested = 0;
    BatchLoader loader(dataset, plan, workers);
    for (std::size_t delivered = 0; delivered < 5; ++delivered) {
      const std::size_t bound = 4 * (delivered + 2 * static_cast<std::size_t>(workers));
      while (requested < bound) std::this_thread::yield();
      ASSERT_EQ(requested, bound);
      ASSERT_TRUE(loader.next());
    }
  }
}

TEST(BatchLoaderThreads, AFailureComesInPlaceOfItsBatchAndAgain) {
  BatchPlan plan = small_plan();
  plan.shuffle = false;
  const auto dataset = std::make_shared<Pictures>(200, [](std::size_t index) {
    if (index == 10) throw std::runtime_error("image 10 is damaged");
    if (index == 13) throw std::runtime_error("image 13 is damaged");
  });
  for (const std::int64_t workers : kWorkerCounts) {
    BatchLoader loader(dataset, plan, workers);
    EXPECT_EQ(loader.next()->labels[0], 0);
    EXPECT_EQ(loader.next()->labels[0], 4);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(failure_of(loader), "image 10 is damaged");
  }
}

TEST(BatchLoaderThreads, CanBeLeftAtAnyTime) {
  for (const std::int64_t workers : kWorkerCounts)
    for (int taken = 0; taken < 4; ++taken)
      for (int repeat = 0; repeat < 10; ++repeat) {
        BatchLoader loader(std::make_shared<Pictures>(400), small_plan(), workers);
        for (int i = 0; i < taken; ++i) EXPECT_TRUE(loader.next());
      }
}

TEST(BatchLoaderThreads, LeavingDoesNotWaitForTheWholeBatch) {
  std::atomic<std::size_t> requested = 0;
  std::latch begun(1);
  std::latch leaving(1);
  const auto dataset = std::make_shared<Pictures>(1'000'000, [&](std::size_t index) {
    ++requested;
    if (index == 10) {
      begun.count_down();
      leaving.wait();
    }
  });
  BatchPlan plan = small_plan();
  plan.batch_size = 1'000'000;
  plan.side = 1;
  plan.shuffle = false;
  {
    const BatchLoader loader(dataset, plan, 1);
    begun.wait();
    leaving.count_down();
  }
  EXPECT_LT(requested, 1'000'000U);
}

TEST(BatchLoaderThreads, LeavingAfterAFailureDoesNotHang) {
  const auto dataset = std::make_shared<Pictures>(
      400, [](std::size_t) -> void { throw std::runtime_error("damaged"); });
  for (const std::int64_t workers : kWorkerCounts)
    for (int taken = 0; taken < 20; ++taken) {
      BatchLoader loader(dataset, small_plan(), workers);
      for (int i = 0; i < taken % 3; ++i) EXPECT_EQ(failure_of(loader), "damaged");
    }
}

}  // namespace
}  // namespace simclr
