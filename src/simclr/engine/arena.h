#pragma once

#include <cstdint>

#include "simclr/core/huge_memory.h"

namespace simclr {

/// Memory for a whole step, laid out before it is had: `add` hands out places, `allocate` gets all
/// of them at once, on huge pages where the system has them, zeroed and kept until the end.
class Arena {
 public:
  /// Where the next `floats` begin, on a cache line of its own.
  std::int64_t add(std::int64_t floats);
  void allocate();
  float* at(std::int64_t place) const { return memory_.data() + place; }
  std::int64_t bytes() const { return size_ * static_cast<std::int64_t>(sizeof(float)); }

 private:
  std::int64_t size_ = 0;
  HugeMemory memory_;
};

}  // namespace simclr
