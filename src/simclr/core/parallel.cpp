#include "simclr/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace simclr {
namespace {

#if defined(__SSE__)
constexpr std::uint64_t kFlush = 0x8040;  // flush-to-zero and denormals-are-zero
std::uint64_t float_mode() { return _mm_getcsr(); }
void set_float_mode(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;
std::uint64_t float_mode() {
  std::uint64_t mode = 0;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void set_float_mode(std::uint64_t mode) { asm volatile("msr fpcr, %0" ::"r"(mode)); }
#else
constexpr std::uint64_t kFlush = 0;
std::uint64_t float_mode() { return 0; }
void set_float_mode(std::uint64_t) {}
#endif

/// The tasks of one parallel_for: whoever is free takes the next.
struct Tasks {
  std::int64_t count;
  void (*call)(void*, std::int64_t, int);
  void* body;
  std::atomic<std::int64_t> next = 0;
  std::exception_ptr failure = nullptr;
  std::mutex mutex = {};

  void work(int slot) {
    const FlushDenormals flush;
    try {
      for (std::int64_t i = next++; i < count; i = next++) call(body, i, slot);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  }
};

// ThreadSanitizer does not see the barriers of libgomp: it is shown plain threads instead.
#if defined(_OPENMP) && !defined(__SANITIZE_THREAD__)
void run_team(Tasks& tasks, int threads) {
#pragma omp parallel num_threads(threads)
  tasks.work(omp_get_thread_num());
}
#else
void run_team(Tasks& tasks, int threads) {
  std::vector<std::jthread> team;
  for (int t = 1; t < threads; ++t) team.emplace_back([&tasks, t] { tasks.work(t); });
  tasks.work(0);
}
#endif

}  // namespace

#if defined(_OPENMP)
int parallel_threads() { return omp_get_max_threads(); }
void set_parallel_threads(int threads) { omp_set_num_threads(threads); }
#else
namespace {
int pool_threads = 2;
}
int parallel_threads() { return pool_threads; }
void set_parallel_threads(int threads) { pool_threads = threads; }
#endif

namespace detail {

void run_parallel(std::int64_t count, void (*call)(void*, std::int64_t, int), void* body) {
  Tasks tasks{count, call, body};
  const auto threads = static_cast<int>(std::min<std::int64_t>(parallel_threads(), count));
  if (threads > 1) {
    run_team(tasks, threads);
  } else {
    tasks.work(0);
  }
  if (tasks.failure) std::rethrow_exception(tasks.failure);
}

}  // namespace detail

FlushDenormals::FlushDenormals() : before_(float_mode()) { set_float_mode(before_ | kFlush); }
FlushDenormals::~FlushDenormals() { set_float_mode(before_); }

}  // namespace simclr
