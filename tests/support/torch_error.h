#pragma once

#include <c10/util/Exception.h>

#include <string>

namespace simclr {

/// What `action` says as it throws a c10::Error, without the backtrace; "" if it throws none.
template <class Action>
std::string torch_error_of(Action action) {
  try {
    action();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "";
}

}  // namespace simclr
