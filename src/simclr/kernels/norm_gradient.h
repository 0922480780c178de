#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "simclr/kernels/batch_norm.h"

namespace simclr {

/// How a gradient with respect to a norm's output comes about.
enum class Gate {
  kNone,    ///< as given
  kOwn,     ///< passes where the norm's own output is positive: relu behind it
  kOutput,  ///< passes where `output` is positive: relu behind a sum
};

/// A norm, and what a gradient passes before it gets there. Maps are laid out as the gradient's.
struct GatedNorm {
  Gate gate = Gate::kNone;
  const float* output = nullptr;  ///< for Gate::kOutput
  const float* y = nullptr;       ///< what the norm was given
  ChannelNorm norm;
};

/// Sums over some of the batch, of 16 channels.
struct PanelGradientSums {
  std::array<double, kPanel> first{};   ///< of g, the gated gradient
  std::array<double, kPanel> second{};  ///< of g * (y - mean)
};

/// Sums over the batch that the gradient through the norm needs, [C] each.
struct NormGradient {
  float* dgamma = nullptr;  ///< sum of g * normalised y
  float* dbeta = nullptr;   ///< sum of g
};

/// Adds a stretch of the gradient that begins at `map`. Gate::kOutput leaves g there, for the
/// shortcut; Gate::kOwn leaves it as it is, to be gated once more.
void gate_and_sum(const Stretch& stretch, const float* map, const GatedNorm& by,
                  PanelGradientSums& to);
/// @param parts  which together saw every value once
void sums_of_parts(const TaskParts<PanelGradientSums>& parts, const ChannelNorm& norm,
                   const NormGradient& sums);
/// Both, of a whole map.
void gate_and_sum(const PanelMap& map, float* gradient, const GatedNorm& by,
                  const NormGradient& sums);

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
void norm_input_gradient(const PanelMap& map, const float* gradient, const GatedNorm& by,
                         const NormLine& line, float* dy);
/// Of a part, on this thread. @param dy  part.map(channels)
void norm_input_gradient(const PanelMap& map, const MapPart& part, const float* gradient,
                         const GatedNorm& by, const NormLine& line, float* dy);

}  // namespace simclr
