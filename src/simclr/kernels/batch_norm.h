#pragma once

#include <cstdint>
#include <vector>

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

/// Doubles of scratch that the sums over a map need.
std::int64_t norm_scratch_size(const PanelMap& map);

/// Statistics of the batch `y`, and the running ones moved towards them by kNormMomentum.
void norm_of_batch(const PanelMap& map, const float* y, const NormState& state,
                   const ChannelNorm& norm, double* scratch);
/// The norm by running statistics.
void norm_of_running(std::int64_t channels, const NormState& state, const ChannelNorm& norm);

/// What joins a residual block's path at its end.
struct Shortcut {
  const float* map = nullptr;         ///< nothing joins if null
  const ChannelNorm* norm = nullptr;  ///< of a shortcut with a convolution; null: as it is
};

/// out = [relu](scale * y + shift [+ shortcut]). `out` may be `y`.
void apply_norm(const PanelMap& map, const float* y, const ChannelNorm& norm,
                const Shortcut& shortcut, bool relu, float* out);

/// How a gradient with respect to a norm's output comes about.
enum class Gate {
  kNone,    ///< as given
  kOwn,     ///< passes where the norm's own output is positive: relu behind it
  kOutput,  ///< passes where `output` is positive: relu behind a sum
};

/// Sums over the batch that the gradient through the norm needs, [C] each.
struct NormGradient {
  float* dgamma = nullptr;
  float* dbeta = nullptr;
};

/// dgamma = sum of g * normalised y, dbeta = sum of g, with g the gated gradient. Gate::kOutput
/// leaves g in `gradient`, for the shortcut; Gate::kOwn leaves it as it is, to be gated once more.
/// @param output  for Gate::kOutput
void gate_and_sum(const PanelMap& map, float* gradient, Gate gate, const float* output,
                  const float* y, const ChannelNorm& norm, const NormGradient& sums,
                  double* scratch);

/// The gradient with respect to y is a line in it and in g: scale * g + slope * y + constant, of
/// the norm's scale and these, [C] each.
struct NormLine {
  std::vector<float> slope;
  std::vector<float> constant;
};

/// After gate_and_sum.
/// @param of_batch  whether the statistics were the batch's own, and so depend on y
NormLine norm_line(const PanelMap& map, const ChannelNorm& norm, const NormGradient& sums,
                   bool of_batch);

/// The gradient with respect to y, written to `dy`, which may be `gradient`. Gate::kOwn gates it.
void norm_input_gradient(const PanelMap& map, const float* gradient, Gate gate, const float* y,
                         const ChannelNorm& norm, const NormLine& line, float* dy);
/// Of a part, on this thread. @param dy  part.map(channels)
void norm_input_gradient(const PanelMap& map, const MapPart& part, const float* gradient, Gate gate,
                         const float* y, const ChannelNorm& norm, const NormLine& line, float* dy);

}  // namespace simclr
