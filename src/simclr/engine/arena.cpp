#include "simclr/engine/arena.h"

#include <sys/mman.h>

#include <new>

namespace simclr {
namespace {

constexpr std::int64_t kLine = 16;            // floats of a cache line
constexpr std::size_t kHugePage = 2U << 20U;  // bytes

}  // namespace

std::int64_t Arena::add(std::int64_t floats) {
  const std::int64_t place = size_;
  // An odd number of lines more, so that buffers do not begin at the same place of a cache.
  size_ += ((floats + kLine - 1) / kLine | 1) * kLine;
  return place;
}

void Arena::allocate() {
  const std::size_t bytes =
      (static_cast<std::size_t>(this->bytes()) + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  madvise(memory, bytes, MADV_HUGEPAGE);  // advice: without huge pages it is slower, not wrong
  memory_ = {static_cast<float*>(memory), Free{bytes}};
}

void Arena::Free::operator()(float* memory) const { munmap(memory, bytes); }

}  // namespace simclr
