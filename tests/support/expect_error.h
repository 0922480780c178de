#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "simclr/core/error.h"

namespace simclr {

/// The Error that `call` throws; fails the test if it throws none or one of another kind.
inline Error expect_error(ExitCode code, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ExitCode::kOk, "");
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The same, and its message has `part` in it.
inline void expect_error(ExitCode code, const std::string& part,
                         const std::function<void()>& call) {
  const Error error = expect_error(code, call);
  EXPECT_TRUE(contains(error.what(), part)) << error.what();
}

}  // namespace simclr
