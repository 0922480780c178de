#include "simclr/engine/arena.h"

namespace simclr {
namespace {

constexpr std::int64_t kLine = 16;  // floats of a cache line

}  // namespace

std::int64_t Arena::add(std::int64_t floats) {
  const std::int64_t place = size_;
  // An odd number of lines more, so that buffers do not begin at the same place of a cache.
  size_ += ((floats + kLine - 1) / kLine | 1) * kLine;
  return place;
}

void Arena::allocate() { memory_ = HugeMemory(static_cast<std::size_t>(size_)); }

}  // namespace simclr
