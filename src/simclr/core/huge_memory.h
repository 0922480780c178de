#pragma once

#include <cstddef>
#include <memory>

namespace simclr {

/// Zeroed floats that stay where they are, on huge pages where the system has them.
/// @throws std::bad_alloc
class HugeMemory {
 public:
  HugeMemory() = default;
  explicit HugeMemory(std::size_t floats);

  float* data() const { return memory_.get(); }
  std::size_t size() const { return memory_.get_deleter().bytes / sizeof(float); }

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(float* memory) const;
  };
  std::unique_ptr<float, Unmap> memory_{nullptr, Unmap{0}};
};

/// At least so many floats that belong to the calling thread, kept for its next call.
float* thread_memory(std::size_t floats);

}  // namespace simclr
