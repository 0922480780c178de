#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace simclr {

/// Memory for a whole step, laid out before it is had: `add` hands out places, `allocate` gets all
/// of them at once, on huge pages where the system has them, zeroed and kept until the end.
class Arena {
 public:
  /// Where the next `floats` begin, on a cache line of its own.
  std::int64_t add(std::int64_t floats);
  void allocate();
  float* at(std::int64_t place) const { return memory_.get() + place; }
  std::int64_t bytes() const { return size_ * static_cast<std::int64_t>(sizeof(float)); }

 private:
  struct Free {
    std::size_t bytes;
    void operator()(float* memory) const;
  };
  std::int64_t size_ = 0;
  std::unique_ptr<float, Free> memory_{nullptr, Free{0}};
};

}  // namespace simclr
