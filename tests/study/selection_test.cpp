#include <gtest/gtest.h>

#include "simclr/study/study.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

using Set = std::set<std::size_t>;

TEST(ParseTrials, NumbersAndRangesFromOne) {
  EXPECT_EQ(parse_trials("3,5-7", 10), (Set{2, 4, 5, 6}));
  EXPECT_EQ(parse_trials("1", 1), Set{0});
  for (const char* bad : {"", "0", "11", "3-2", "a", "1,", "1;2", "-2", "1-"})
    expect_error(ExitCode::kUsage, "is not understood", [&] { parse_trials(bad, 10); });
}

TEST(ParseShard, SharesTakeEveryTrialOnce) {
  Set all;
  std::size_t count = 0;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    const Set part = parse_shard(shard, 10);
    count += part.size();
    all.insert(part.begin(), part.end());
  }
  EXPECT_EQ(count, 10U);
  EXPECT_EQ(all.size(), 10U);
  EXPECT_TRUE(parse_shard("4/4", 2).empty());
  for (const char* bad : {"", "1", "0/2", "3/2", "1/", "1/2x", "a/b"})
    expect_error(ExitCode::kUsage, "is not understood", [&] { parse_shard(bad, 10); });
}

}  // namespace
}  // namespace simclr
