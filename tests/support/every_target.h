#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>
#include <string>

namespace simclr {

/// Calls body(name) with each instruction set that this processor has, one after the other. The
/// one without vectors is always among them.
template <class Body>
void for_every_target(Body&& body) {
  const std::int64_t all = hwy::SupportedTargets();
  int targets = 0;
  for (std::int64_t rest = all; rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    body(std::string(hwy::TargetName(target)));
    ++targets;
  }
  hwy::SetSupportedTargetsForTest(0);
  EXPECT_GE(targets, 1);
}

/// Expects make() to give the same on every instruction set of this processor.
template <class Make>
void expect_same_on_every_target(Make&& make) {
  const auto expected = make();
  for_every_target([&](const std::string& name) { EXPECT_TRUE(make() == expected) << name; });
}

}  // namespace simclr
