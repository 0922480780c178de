#pragma once

namespace simclr {

/// Multiplications and additions a second, in 1e9, that `parallel_threads()` threads reach on
/// registers alone: what no kernel can exceed. Measures for about `seconds`.
double measure_peak_gflops(double seconds);

}  // namespace simclr
