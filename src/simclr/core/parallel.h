#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace simclr {

/// Threads that `parallel_for` uses: OpenMP's number, which LibTorch's set_num_threads sets too.
/// There is one pool in the process, shared with LibTorch.
int parallel_threads();
void set_parallel_threads(int threads);

namespace detail {
void run_parallel(std::int64_t count, void (*call)(void*, std::int64_t, int), void* body);
}

/// body(i) for every i in [0, count), in any order, by the threads of the pool; with denormals
/// flushed to zero. Who runs which i is left to chance, so results must not depend on it: each i
/// writes what is its own, and sums over several are done in a fixed order afterwards.
/// A body may take a second argument: the slot of the thread that runs it, in [0,
/// parallel_threads()), for scratch memory. Rethrows the first exception of a body, after all have
/// ended.
template <class Body>
void parallel_for(std::int64_t count, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  const auto call = [](void* b, std::int64_t i, [[maybe_unused]] int slot) {
    if constexpr (std::is_invocable_v<Plain&, std::int64_t, int>) {
      (*static_cast<Plain*>(b))(i, slot);
    } else {
      (*static_cast<Plain*>(b))(i);
    }
  };
  detail::run_parallel(count, call,
                       const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

/// While it lives, this thread's denormal results and operands count as zero, which keeps
/// arithmetic on vanishing values at full speed.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  std::uint64_t before_;
};

}  // namespace simclr
