#include "simclr/engine/arena.h"

#include <algorithm>

namespace simclr {
namespace {

constexpr std::int64_t kLine = 16;  // floats of a cache line

}  // namespace

bool Arena::Buffer::meets(const Buffer& other) const {
  for (const Life& life : lives)
    for (const Life& its : other.lives)
      if (life.meets(its)) return true;
  return false;
}

std::int64_t Arena::add(std::int64_t floats, Life life) {
  // An odd number of lines, so that buffers do not begin at the same place of a cache.
  const std::int64_t size = ((floats + kLine - 1) / kLine | 1) * kLine;
  buffers_.push_back({size, {life}});
  return static_cast<std::int64_t>(buffers_.size()) - 1;
}

void Arena::add_life(std::int64_t buffer, Life life) {
  buffers_[static_cast<std::size_t>(buffer)].lives.push_back(life);
}

/// The largest first, each in the first gap that those it meets leave.
void Arena::allocate() {
  std::vector<Buffer*> by_size;
  for (Buffer& buffer : buffers_) by_size.push_back(&buffer);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const Buffer* a, const Buffer* b) { return a->floats > b->floats; });
  std::vector<const Buffer*> placed;  // by where they begin
  for (Buffer* buffer : by_size) {
    for (const Buffer* other : placed) {
      if (!buffer->meets(*other)) continue;
      if (buffer->place + buffer->floats <= other->place) break;
      buffer->place = std::max(buffer->place, other->place + other->floats);
    }
    size_ = std::max(size_, buffer->place + buffer->floats);
    const auto before = [](const Buffer* a, const Buffer* b) { return a->place < b->place; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer, before), buffer);
  }
  memory_ = HugeMemory(static_cast<std::size_t>(size_));
}

}  // namespace simclr
