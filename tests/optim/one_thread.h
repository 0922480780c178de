#pragma once

#include <ATen/Parallel.h>

namespace simclr {

/// While it lives, the pool is one thread: thousands of steps of a few numbers would spend
/// their time waiting for each other otherwise.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace simclr
