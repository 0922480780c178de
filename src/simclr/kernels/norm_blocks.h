#pragma once

#include <algorithm>

#include "simclr/core/parallel.h"
#include "simclr/kernels/panels.h"

// How passes over a whole map share it out.

namespace simclr {

inline constexpr std::int64_t kTaskRows = 2048;

/// Blocks of positions of a panel: by the map alone, for any number of threads.
inline std::int64_t blocks_of(const PanelMap& map) {
  return std::min(map.positions(), pieces_of(map.values(), kTaskRows));
}

/// Calls body(panel, offset of the position's first row, block) for every position of every panel.
template <class Body>
void for_each_position(const PanelMap& map, const Body& body) {
  const std::int64_t blocks = blocks_of(map);
  parallel_for(map.panels() * blocks, [&](std::int64_t task) {
    const std::int64_t panel = task / blocks;
    const std::int64_t block = task % blocks;
    const std::int64_t end = piece_begin(map.positions(), blocks, block + 1);
    for (std::int64_t p = piece_begin(map.positions(), blocks, block); p < end; ++p)
      body(panel, map.offset(panel, p), block);
  });
}

}  // namespace simclr
