#include <cassert>
#include <utility>

#include "simclr/engine/workspace.h"

namespace simclr {

NormGradient Workspace::sums_of(std::int64_t layer, const std::vector<float*>& gradients) const {
  const auto i = static_cast<std::size_t>(layer);
  return {gradients[3 * i + 1], gradients[3 * i + 2]};
}

GatedNorm Workspace::gated(std::int64_t layer, Gate gate) const {
  const Layer& at = layers_[static_cast<std::size_t>(layer)];
  return {gate, arena_.at(at.x), arena_.at(at.y), norm_of(at)};
}

/// What the gradient of a block's input meets: the end of the block before it, or the stem.
Workspace::Ahead Workspace::ahead_of(std::size_t block) const {
  if (block > 0) {
    const std::int64_t layer = blocks_[block - 1].path.back() + 1;
    return {layer, gated(layer, Gate::kOutput)};
  }
  Ahead stem{0, gated(0, Gate::kOwn)};
  if (has_pool_) stem.by.y = arena_.at(pooled_y_);
  return stem;
}

void Workspace::backward(const std::vector<const float*>& weights, const float* pixels,
                         const float* feature_gradient, const std::vector<float*>& gradients) {
  assert(keep_);
  const Ahead end = ahead_of(blocks_.size());
  const PanelMap& map = layers_[static_cast<std::size_t>(end.layer)].map;
  float* of_output = arena_.at(gradients_.back());
  average_pool_gradient(map, feature_gradient, of_output);
  gate(end, of_output, gradients);
  for (std::size_t block = blocks_.size(); block-- > 0;) backward_block(block, weights, gradients);
  backward_stem(pixels, gradients);
}

/// Gates a whole gradient, and sums what the norm needs.
void Workspace::gate(const Ahead& at, float* g, const std::vector<float*>& gradients) {
  const PassTimer timer(profile_, at.layer, Pass::kNormBackward);
  gate_and_sum(layers_[static_cast<std::size_t>(at.layer)].map, g, at.by,
               sums_of(at.layer, gradients));
}

/// From what the norm gave to what it was given; its sums are there.
void Workspace::backward_norm(const Ahead& at, const float* g, float* dy,
                              const std::vector<float*>& gradients) {
  const PassTimer timer(profile_, at.layer, Pass::kNormBackward);
  const PanelMap& map = layers_[static_cast<std::size_t>(at.layer)].map;
  norm_input_gradient(map, g, at.by,
                      norm_line(map, at.by.norm, sums_of(at.layer, gradients), of_batch_), dy);
}

/// @param ahead  the norm that dx meets next, whose sums are gathered as dx is written; or null
void Workspace::backward_conv(std::int64_t layer, const std::vector<const float*>& weights,
                              const ConvInput& x, const float* dy,
                              const std::vector<float*>& gradients, float* dx, bool add,
                              const Ahead* ahead) {
  const ConvLayer& conv = convs_[static_cast<std::size_t>(layer - 1)];
  const Layer& at = layers_[static_cast<std::size_t>(layer)];
  float* scratch = arena_.at(at.scratch);
  {
    const PassTimer timer(profile_, layer, Pass::kWeightGradient);
    conv.weight_gradient(x, dy, gradients[static_cast<std::size_t>(3 * layer)], scratch);
  }
  const PassTimer timer(profile_, layer, Pass::kInputGradient);
  float* packed = arena_.at(at.packed);
  conv.pack_backward(weights[static_cast<std::size_t>(3 * layer)], packed);
  if (ahead == nullptr) return conv.input_gradient(dy, packed, dx, add, scratch);
  gradient_sums_.reset(conv.input_tasks(), conv.shape().in_map().panels());
  conv.input_gradient(dy, packed, dx, add, scratch, [&](const Stretch& stretch) {
    gate_and_sum(stretch, dx, ahead->by, gradient_sums_.of(stretch));
  });
  sums_of_parts(gradient_sums_, ahead->by.norm, sums_of(ahead->layer, gradients));
}

/// From the gradient of the block's output, gated and summed, to that of its input.
void Workspace::backward_block(std::size_t block, const std::vector<const float*>& weights,
                               const std::vector<float*>& gradients) {
  const ResidualPath& path = blocks_[block];
  float* of_output = arena_.at(gradients_[block + 1]);
  float* of_input = arena_.at(gradients_[block]);
  float* dy = arena_.at(inner_gradients_[block][0]);
  float* dx = arena_.at(inner_gradients_[block][1]);
  const ConvInput input = input_of(block);
  const Ahead behind = ahead_of(block);

  backward_norm(ahead_of(block + 1), of_output, dy, gradients);
  for (std::size_t i = path.path.size(); i-- > 1;) {
    const std::int64_t layer = path.path[i - 1] + 1;
    const Ahead before{layer, gated(layer, Gate::kOwn)};
    backward_conv(path.path[i] + 1, weights, input_inside(layer, path.path[i]), dy, gradients, dx,
                  false, &before);
    backward_norm(before, dx, dx, gradients);
    std::swap(dy, dx);
  }
  const std::int64_t first = path.path.front() + 1;
  if (path.shortcut < 0)
    return backward_conv(first, weights, input, dy, gradients, of_input, true, &behind);
  backward_conv(first, weights, input, dy, gradients, of_input, false, nullptr);
  const std::int64_t side = path.shortcut + 1;
  const Ahead shortcut{side, gated(side, Gate::kNone)};
  gate(shortcut, of_output, gradients);
  backward_norm(shortcut, of_output, of_output, gradients);
  backward_conv(side, weights, input, of_output, gradients, of_input, true, &behind);
}

/// Norm, relu and pool are gone back through part by part, as the convolution asks for them.
void Workspace::backward_stem(const float* pixels, const std::vector<float*>& gradients) {
  const PassTimer timer(profile_, 0, Pass::kWeightGradient);
  const PanelMap& map = layers_[0].map;
  const float* g = arena_.at(gradients_.front());
  const GatedNorm by = gated(0, Gate::kOwn);
  const NormLine line = norm_line(map, by.norm, sums_of(0, gradients), of_batch_);
  stem_.weight_gradient(
      pixels,
      [&](const MapPart& part, float* to) {
        if (!has_pool_) return norm_input_gradient(map, part, g, by, line, to);
        norm_relu_max_pool_gradient(pool_, part, g, where_.data(), by.y, by.norm, line, to);
      },
      gradients[0], arena_.at(layers_[0].scratch));
}

}  // namespace simclr
