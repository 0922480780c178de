#include "simclr/core/huge_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace simclr {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;  // bytes

}  // namespace

HugeMemory::HugeMemory(std::size_t floats) {
  const std::size_t bytes = (floats * sizeof(float) + kHugePage - 1) / kHugePage * kHugePage;
  // A huge page more, to begin on the boundary of one.
  void* mapped =
      mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* begin = static_cast<std::byte*>(mapped);
  const std::size_t before =
      (kHugePage - reinterpret_cast<std::uintptr_t>(mapped) % kHugePage) % kHugePage;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(begin + before + bytes, kHugePage - before);
  madvise(begin + before, bytes, MADV_HUGEPAGE);  // without huge pages it is slower, not wrong
  memory_ = {reinterpret_cast<float*>(begin + before), Unmap{bytes}};
}

void HugeMemory::Unmap::operator()(float* memory) const { munmap(memory, bytes); }

float* thread_memory(std::size_t floats) {
  thread_local HugeMemory memory;
  if (memory.size() < floats) memory = HugeMemory(floats);
  return memory.data();
}

}  // namespace simclr
