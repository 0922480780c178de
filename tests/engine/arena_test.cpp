#include "simclr/engine/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "simclr/core/random.h"

namespace simclr {
namespace {

struct Wanted {
  std::int64_t floats;
  std::vector<Life> lives;
  std::int64_t buffer;

  bool is_alive(std::int64_t turn) const {
    return std::any_of(lives.begin(), lives.end(), [turn](const Life& life) {
      return life.first <= turn && turn <= life.last;
    });
  }
};

constexpr std::int64_t kTurns = 20;

std::vector<Wanted> random_buffers(Random& random, Arena& arena) {
  std::vector<Wanted> all(1 + random.below(30));
  for (Wanted& wanted : all) {
    wanted.floats = random.below(2000);
    for (std::uint32_t lives = 1 + random.below(2); lives > 0; --lives) {
      const std::int64_t first = random.below(kTurns);
      wanted.lives.push_back(
          {first, first + random.below(static_cast<std::uint32_t>(kTurns - first))});
    }
    wanted.buffer = arena.add(wanted.floats, wanted.lives.front());
    if (wanted.lives.size() > 1) arena.add_life(wanted.buffer, wanted.lives.back());
  }
  return all;
}

TEST(Arena, WhatIsInUseAtOnceNeverOverlaps) {
  Random random(RandomKey{.seed = 5});
  for (int round = 0; round < 200; ++round) {
    Arena arena;
    const std::vector<Wanted> all = random_buffers(random, arena);
    arena.allocate();
    for (std::int64_t turn = 0; turn < kTurns; ++turn) {
      std::vector<const Wanted*> alive;
      for (const Wanted& wanted : all)
        if (wanted.is_alive(turn)) alive.push_back(&wanted);
      // Each writes its own mark over all of its memory, then every mark must still be there.
      for (std::size_t i = 0; i < alive.size(); ++i)
        std::fill_n(arena.at(alive[i]->buffer), alive[i]->floats, static_cast<float>(i));
      for (std::size_t i = 0; i < alive.size(); ++i) {
        const float* at = arena.at(alive[i]->buffer);
        ASSERT_EQ(std::count(at, at + alive[i]->floats, static_cast<float>(i)), alive[i]->floats);
      }
    }
  }
}

TEST(Arena, WhatIsNeverInUseAtOnceSharesMemory) {
  Arena arena;
  const std::int64_t early = arena.add(1000, {0, 3});
  const std::int64_t late = arena.add(1000, {4, 9});
  const std::int64_t both = arena.add(500, {1, 2});
  arena.add_life(both, {6, 7});
  const std::int64_t always = arena.add(10);
  arena.allocate();
  EXPECT_EQ(arena.at(early), arena.at(late));
  EXPECT_NE(arena.at(both), arena.at(early));
  EXPECT_NE(arena.at(always), arena.at(both));
  EXPECT_LT(arena.bytes(), 4 * (1000 + 500 + 10 + 3 * 32));
}

TEST(Arena, BuffersBeginOnCacheLinesOfTheirOwn) {
  Arena arena;
  const std::vector<std::int64_t> buffers{arena.add(1), arena.add(17), arena.add(0), arena.add(5)};
  arena.allocate();
  for (const std::int64_t buffer : buffers)
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.at(buffer)) % 64, 0);
}

}  // namespace
}  // namespace simclr
