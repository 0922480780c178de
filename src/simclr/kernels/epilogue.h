#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "simclr/kernels/panels.h"

namespace simclr {

/// What one task of a convolution has written of one panel, while it is still in cache.
struct Stretch {
  std::int64_t task = 0;  ///< below the convolution's output_tasks()
  std::int64_t panel = 0;
  float* const* rows = nullptr;  ///< of each position: its first image's 16 channels
  std::int64_t positions = 0;
  std::int64_t images = 0;
};

/// What is done with each stretch: once with every value of the output. Called by several threads,
/// but for one task and panel in order.
using Epilogue = std::function<void(const Stretch&)>;

/// What each task of a convolution, or each block of a pass over a map, found out about each panel:
/// [tasks][panels].
template <class T>
class TaskParts {
 public:
  /// Begins anew, with every part empty.
  void reset(std::int64_t tasks, std::int64_t panels) {
    panels_ = panels;
    all_.assign(static_cast<std::size_t>(tasks * panels), T{});
  }
  T& at(std::int64_t task, std::int64_t panel) {
    return all_[static_cast<std::size_t>(task * panels_ + panel)];
  }
  T& of(const Stretch& stretch) { return at(stretch.task, stretch.panel); }
  const T& at(std::int64_t task, std::int64_t panel) const {
    return all_[static_cast<std::size_t>(task * panels_ + panel)];
  }
  std::int64_t panels() const { return panels_; }
  std::int64_t tasks() const {
    return panels_ == 0 ? 0 : static_cast<std::int64_t>(all_.size()) / panels_;
  }

 private:
  std::int64_t panels_ = 0;
  std::vector<T> all_;
};

}  // namespace simclr
