#pragma once

#include <cstdint>

#include "simclr/kernels/panels.h"

namespace simclr {

/// [16, 16] with rows `row` floats apart -> its transpose, rows 16 apart.
void turn_panel(const float* from, std::int64_t row, float* to);

}  // namespace simclr
