#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>

namespace simclr {

/// Expects make() to give the same on every instruction set of this processor.
template <class Make>
void expect_same_on_every_target(Make&& make) {
  const std::int64_t all = hwy::SupportedTargets();
  const auto expected = make();
  int targets = 0;
  for (std::int64_t rest = all; rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    EXPECT_TRUE(make() == expected) << hwy::TargetName(target);
    ++targets;
  }
  hwy::SetSupportedTargetsForTest(0);
  EXPECT_GE(targets, 1);
}

}  // namespace simclr
