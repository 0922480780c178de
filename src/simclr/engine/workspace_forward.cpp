#include "simclr/engine/workspace.h"

namespace simclr {

Workspace::NormKind Workspace::norm_kind(bool training) const {
  if (training) return NormKind::kBatch;
  return keep_ ? NormKind::kRunning : NormKind::kApplied;
}

/// Runs a convolution and has its norm ready, or applied with relu and shortcut.
/// @param convolve  body(epilogue)
template <class Convolve>
void Workspace::convolve_and_normalise(std::int64_t layer, const NetworkTensors& tensors,
                                       NormKind kind, const Shortcut& shortcut,
                                       const Convolve& convolve, bool relu) {
  const PassTimer timer(profile_, layer, Pass::kForward);
  const auto i = static_cast<std::size_t>(layer);
  const Layer& at = layers_[i];
  const ChannelNorm norm = norm_of(at);
  const NormState state{tensors.parameters[3 * i + 1], tensors.parameters[3 * i + 2],
                        tensors.running_means[i], tensors.running_variances[i]};
  if (kind != NormKind::kBatch) norm_of_running(at.map.channels, state, norm);
  switch (kind) {
    case NormKind::kRunning:
      return convolve(nullptr);
    case NormKind::kApplied:
      return convolve([&](const Stretch& stretch) {
        apply_norm(stretch, arena_.at(at.y), norm, shortcut, relu);
      });
    case NormKind::kBatch:
      break;
  }
  const std::int64_t tasks = layer == 0 ? stem_.output_tasks() : convs_[i - 1].output_tasks();
  moments_.reset(tasks, at.map.panels());
  convolve([&](const Stretch& stretch) { add_moments(stretch, moments_.of(stretch)); });
  norm_of_moments(moments_, state, norm);
}

ConvInput Workspace::input_of(std::size_t block) const {
  if (block > 0)
    return arena_.at(layers_[static_cast<std::size_t>(blocks_[block - 1].path.back()) + 1].x);
  if (has_pool_) return arena_.at(pooled_);
  const Layer& stem = layers_[0];
  if (block_takes_stem()) return {arena_.at(stem.y), norm_of(stem).scale, norm_of(stem).shift};
  return arena_.at(stem.x);
}

void Workspace::forward(const NetworkTensors& tensors, const PackedWeights& packed,
                        const float* pixels, bool training, float* features) {
  of_batch_ = training;
  const Layer& stem = layers_[0];
  // The pool reads the stem's output as it is.
  const NormKind kind = has_pool_ && !training ? NormKind::kRunning : norm_kind(training);
  convolve_and_normalise(
      0, tensors, kind, {},
      [&](const Epilogue& epilogue) {
        stem_.forward(pixels, packed.of(0), arena_.at(stem.y), epilogue);
      },
      true);
  if (kind != NormKind::kApplied && !block_takes_stem()) activate_stem();
  for (std::size_t block = 0; block < blocks_.size(); ++block)
    forward_block(block, tensors, packed, norm_kind(training));
  const Layer& last = layers_[static_cast<std::size_t>(blocks_.back().path.back()) + 1];
  average_pool(last.map, arena_.at(last.x), features);
}

/// Relu, and the pool where there is one.
void Workspace::activate_stem() {
  const PassTimer timer(profile_, 0, Pass::kNormForward);
  const Layer& stem = layers_[0];
  if (has_pool_) {
    norm_relu_max_pool(pool_, arena_.at(stem.y), norm_of(stem), arena_.at(pooled_),
                       {where_.data(), keep_ ? arena_.at(pooled_y_) : nullptr});
  } else {
    apply_norm(stem.map, arena_.at(stem.y), norm_of(stem), {}, true, arena_.at(stem.x));
  }
}

void Workspace::forward_block(std::size_t block, const NetworkTensors& tensors,
                              const PackedWeights& packed, NormKind kind) {
  const ResidualPath& path = blocks_[block];
  const ConvInput input = input_of(block);
  const bool applied = kind == NormKind::kApplied;
  const auto convolve = [&](int unit, const ConvInput& x, const Shortcut& shortcut, bool relu) {
    const std::int64_t number = unit + 1;
    convolve_and_normalise(
        number, tensors, kind, shortcut,
        [&](const Epilogue& epilogue) {
          const Layer& at = layers_[static_cast<std::size_t>(number)];
          convs_[static_cast<std::size_t>(unit)].forward(x, packed.of(number), arena_.at(at.y),
                                                         arena_.at(at.scratch), epilogue);
        },
        relu);
  };
  // First the shortcut, which joins at the end.
  Shortcut shortcut{input.map, input.scale, input.shift, input.scale != nullptr};
  if (path.shortcut >= 0) {
    convolve(path.shortcut, input, {}, false);
    const Layer& side = layers_[static_cast<std::size_t>(path.shortcut) + 1];
    shortcut = {arena_.at(side.y)};
    if (!applied) shortcut = {arena_.at(side.y), norm_of(side).scale, norm_of(side).shift};
  }
  ConvInput x = input;
  for (std::size_t i = 0; i + 1 < path.path.size(); ++i) {
    const int unit = path.path[i];
    convolve(unit, x, {}, true);
    x = applied ? arena_.at(layers_[static_cast<std::size_t>(unit) + 1].x)
                : input_inside(unit + 1, path.path[i + 1]);
  }
  convolve(path.path.back(), x, shortcut, true);
  if (!applied) activate(path.path.back() + 1, shortcut);
}

/// What a convolution inside a block reads: the layer's map with the norm and relu that it applies
/// itself, or what they made of it.
ConvInput Workspace::input_inside(std::int64_t layer, int next) {
  const Layer& at = layers_[static_cast<std::size_t>(layer)];
  if (convs_[static_cast<std::size_t>(next)].takes_norm())
    return {arena_.at(at.y), norm_of(at).scale, norm_of(at).shift};
  activate(layer, {});
  return arena_.at(at.x);
}

void Workspace::activate(std::int64_t layer, const Shortcut& shortcut) {
  const PassTimer timer(profile_, layer, Pass::kNormForward);
  const Layer& at = layers_[static_cast<std::size_t>(layer)];
  apply_norm(at.map, arena_.at(at.y), norm_of(at), shortcut, true, arena_.at(at.x));
}

}  // namespace simclr
