#include "simclr/core/parallel.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace simclr {
namespace {

/// Restores the number of threads that was set before.
class Threads {
 public:
  explicit Threads(int count) : before_(parallel_threads()) { set_parallel_threads(count); }
  ~Threads() { set_parallel_threads(before_); }

 private:
  int before_;
};

TEST(ParallelFor, RunsEveryIndexOnceForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads set(threads);
    for (const int count : {0, 1, 2, 7, 1000}) {
      std::vector<int> runs(static_cast<std::size_t>(count));
      parallel_for(count, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });
      EXPECT_EQ(runs, std::vector<int>(runs.size(), 1)) << threads << " threads, " << count;
    }
  }
}

TEST(ParallelFor, RethrowsWhatABodyThrows) {
  for (const int threads : {1, 3}) {
    const Threads set(threads);
    const auto body = [](std::int64_t i) {
      if (i == 5) throw std::runtime_error("five");
    };
    EXPECT_THROW(parallel_for(100, body), std::runtime_error);
  }
}

TEST(ParallelFor, FlushesDenormalsInEveryThreadAndOnlyInside) {
  const Threads set(3);
  volatile float smallest = std::numeric_limits<float>::min();
  std::vector<float> halves(64);
  parallel_for(64, [&](std::int64_t i) { halves[static_cast<std::size_t>(i)] = smallest / 2; });
  EXPECT_EQ(halves, std::vector<float>(64, 0.0F));
  EXPECT_GT(smallest / 2, 0.0F);
}

}  // namespace
}  // namespace simclr
