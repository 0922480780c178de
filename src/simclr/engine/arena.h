#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "simclr/core/huge_memory.h"

namespace simclr {

/// Turns, counted by whoever lays an arena out, from the first to the last that a buffer is in use.
struct Life {
  std::int64_t first = 0;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();

  bool meets(const Life& other) const { return first <= other.last && other.first <= last; }
};

/// Memory for a whole step, laid out before it is had: `add` takes note of a buffer, `allocate`
/// gets all of them at once, zeroed, on huge pages where the system has them. Buffers that are
/// never in use at the same turn share memory.
class Arena {
 public:
  /// @return  the buffer's number
  std::int64_t add(std::int64_t floats, Life life = {});
  /// The buffer is in use then as well.
  void add_life(std::int64_t buffer, Life life);
  void allocate();
  /// Where a buffer begins, on a cache line of its own.
  float* at(std::int64_t buffer) const {
    return memory_.data() + buffers_[static_cast<std::size_t>(buffer)].place;
  }
  std::int64_t bytes() const { return size_ * static_cast<std::int64_t>(sizeof(float)); }

 private:
  struct Buffer {
    std::int64_t floats;
    std::vector<Life> lives;
    std::int64_t place = 0;

    bool meets(const Buffer& other) const;
  };

  std::vector<Buffer> buffers_;
  std::int64_t size_ = 0;
  HugeMemory memory_;
};

}  // namespace simclr
