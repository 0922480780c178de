#pragma once

#include <cstdint>

#include "simclr/kernels/moments.h"
#include "simclr/kernels/panels.h"

namespace simclr {

/// A batch norm's numbers for each of C channels. Ioffe & Szegedy 2015, arXiv:1502.03167.
struct ChannelNorm {
  float* scale = nullptr;  ///< gamma / deviation: the norm is scale * y + shift
  float* shift = nullptr;  ///< beta - mean * scale
  float* mean = nullptr;
  float* inverse_deviation = nullptr;  ///< 1 / sqrt(variance + eps)
};

/// What a layer learns and keeps: gamma and beta, running mean and (unbiased) variance, [C] each.
struct NormState {
  const float* gamma = nullptr;
  const float* beta = nullptr;
  float* running_mean = nullptr;
  float* running_variance = nullptr;
};

inline constexpr double kNormEpsilon = 1e-5;
inline constexpr double kNormMomentum = 0.1;

/// Statistics of the batch, and the running ones moved towards them by kNormMomentum.
/// @param parts  which together saw every value once
void norm_of_moments(const TaskParts<PanelMoments>& parts, const NormState& state,
                     const ChannelNorm& norm);
/// Likewise, of the batch `y`.
void norm_of_batch(const PanelMap& map, const float* y, const NormState& state,
                   const ChannelNorm& norm);
/// The norm by running statistics.
void norm_of_running(std::int64_t channels, const NormState& state, const ChannelNorm& norm);

/// What joins a residual block's path at its end: a map, or [relu](scale * map + shift).
struct Shortcut {
  const float* map = nullptr;    ///< nothing joins if null
  const float* scale = nullptr;  ///< [C]; null: the map as it is
  const float* shift = nullptr;  ///< [C]
  bool relu = false;             ///< behind scale and shift
};

/// out = [relu](scale * y + shift [+ shortcut]). `out` may be `y`.
void apply_norm(const PanelMap& map, const float* y, const ChannelNorm& norm,
                const Shortcut& shortcut, bool relu, float* out);

/// The same in place, of a stretch of `map`.
void apply_norm(const Stretch& stretch, const float* map, const ChannelNorm& norm,
                const Shortcut& shortcut, bool relu);

}  // namespace simclr
