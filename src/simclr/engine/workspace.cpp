#include "simclr/engine/workspace.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace simclr {
namespace {

StemShape with_batch(StemShape shape, std::int64_t batch) {
  shape.batch = batch;
  return shape;
}

std::vector<ConvLayer> layers_of(const Network& network, std::int64_t batch) {
  std::vector<ConvLayer> layers;
  for (const ConvUnit& unit : network.units) {
    ConvShape shape = unit.shape;
    shape.batch = batch;
    layers.emplace_back(shape, unit.algorithm);
  }
  return layers;
}

}  // namespace

// ---- weights ----

PackedWeights::PackedWeights(const Network& network)
    : stem_(with_batch(network.stem, 1)), convs_(layers_of(network, 1)) {
  forward_.push_back(arena_.add(stem_.packed_size()));
  backward_.push_back(0);
  for (const ConvLayer& conv : convs_) {
    forward_.push_back(arena_.add(conv.packed_size()));
    backward_.push_back(arena_.add(conv.packed_size()));
  }
  arena_.allocate();
}

void PackedWeights::pack_forward(const NetworkTensors& tensors) {
  stem_.pack(tensors.parameters[0], arena_.at(forward_[0]));
  for (std::size_t i = 0; i < convs_.size(); ++i)
    convs_[i].pack_forward(tensors.parameters[3 * (i + 1)], arena_.at(forward_[i + 1]));
}

void PackedWeights::pack_backward(const NetworkTensors& tensors) {
  for (std::size_t i = 0; i < convs_.size(); ++i)
    convs_[i].pack_backward(tensors.parameters[3 * (i + 1)], arena_.at(backward_[i + 1]));
}

const float* PackedWeights::forward(std::int64_t layer) const {
  return arena_.at(forward_[static_cast<std::size_t>(layer)]);
}

const float* PackedWeights::backward(std::int64_t layer) const {
  return arena_.at(backward_[static_cast<std::size_t>(layer)]);
}

// ---- memory ----

Workspace::Workspace(const Network& network, std::int64_t batch, bool keep)
    : batch_(batch),
      keep_(keep),
      stem_(with_batch(network.stem, batch)),
      has_pool_(network.has_pool),
      pool_{network.pool_window, network.pool_pad, stem_.shape().out_map()},
      convs_(layers_of(network, batch)),
      blocks_(network.blocks) {
  layers_.push_back({.map = stem_.shape().out_map()});
  for (const ConvLayer& conv : convs_) layers_.push_back({.map = conv.shape().out_map()});
  std::int64_t scratch = keep ? stem_.scratch_size() : 0;
  std::int64_t sums = 0;
  std::int64_t largest = 0;
  for (const ConvLayer& conv : convs_) scratch = std::max(scratch, conv.scratch_size());
  for (Layer& layer : layers_) {
    layer.norm = arena_.add(4 * layer.map.channels);
    sums = std::max(sums, norm_scratch_size(layer.map));
    // The gradient in front of a pool is never there as a whole.
    if (&layer != &layers_[0] || !has_pool_) largest = std::max(largest, layer.map.size());
  }
  scratch_ = arena_.add(scratch);
  sums_ = arena_.add(2 * sums);  // doubles
  place_maps(network);
  if (has_pool_) where_.resize(static_cast<std::size_t>(pool_.out_map().size()));
  if (keep) {
    for (std::int64_t& gradient : gradients_) gradient = arena_.add(largest);
  }
  arena_.allocate();
}

/// Every map its own memory if it is kept; otherwise four that take turns: a block's input, two for
/// its path, and one for its shortcut.
void Workspace::place_maps(const Network& network) {
  if (keep_) {
    for (Layer& layer : layers_) {
      layer.y = arena_.add(layer.map.size());
      layer.x = layer.y;
    }
    if (!has_pool_) layers_[0].x = arena_.add(layers_[0].map.size());
    if (has_pool_) {
      pooled_ = arena_.add(pool_.out_map().size());
      pooled_y_ = arena_.add(pool_.out_map().size());
    }
    std::int64_t largest = 0;
    for (const ResidualPath& block : network.blocks)
      for (const int unit : block.path)
        if (unit != block.path.back())
          largest = std::max(largest, layers_[static_cast<std::size_t>(unit) + 1].map.size());
    const std::int64_t inside = arena_.add(largest);
    for (const ResidualPath& block : network.blocks)
      for (const int unit : block.path)
        layers_[static_cast<std::size_t>(unit) + 1].x =
            unit == block.path.back()
                ? arena_.add(layers_[static_cast<std::size_t>(unit) + 1].map.size())
                : inside;
    return;
  }
  std::int64_t largest = has_pool_ ? pool_.out_map().size() : 0;
  for (const Layer& layer : layers_) largest = std::max(largest, layer.map.size());
  std::int64_t turns[4];
  for (std::int64_t& turn : turns) turn = arena_.add(largest);
  layers_[0].y = layers_[0].x = turns[0];
  pooled_ = turns[1];
  std::size_t input = has_pool_ ? 1 : 0;
  for (const ResidualPath& block : network.blocks) {
    std::size_t last = input;
    for (std::size_t i = 0; i < block.path.size(); ++i) {
      last = (input + 1 + i % 2) % 4;
      Layer& layer = layers_[static_cast<std::size_t>(block.path[i]) + 1];
      layer.y = layer.x = turns[last];
    }
    if (block.shortcut >= 0) {
      Layer& layer = layers_[static_cast<std::size_t>(block.shortcut) + 1];
      layer.y = layer.x = turns[(input + 3) % 4];
    }
    input = last;
  }
}

ChannelNorm Workspace::norm_of(const Layer& layer) const {
  float* numbers = arena_.at(layer.norm);
  const std::int64_t c = layer.map.channels;
  return {numbers, numbers + c, numbers + 2 * c, numbers + 3 * c};
}

// ---- forward ----

void Workspace::normalise(std::int64_t layer, const NetworkTensors& tensors, bool training) {
  const PassTimer timer(profile_, layer, Pass::kNormForward);
  const auto i = static_cast<std::size_t>(layer);
  const Layer& at = layers_[i];
  const NormState state{tensors.parameters[3 * i + 1], tensors.parameters[3 * i + 2],
                        tensors.running_means[i], tensors.running_variances[i]};
  if (training) {
    norm_of_batch(at.map, arena_.at(at.y), state, norm_of(at),
                  reinterpret_cast<double*>(arena_.at(sums_)));
  } else {
    norm_of_running(at.map.channels, state, norm_of(at));
  }
}

const float* Workspace::input_of(std::size_t block) const {
  if (block > 0)
    return arena_.at(layers_[static_cast<std::size_t>(blocks_[block - 1].path.back()) + 1].x);
  return arena_.at(has_pool_ ? pooled_ : layers_[0].x);
}

void Workspace::forward(const NetworkTensors& tensors, const PackedWeights& packed,
                        const float* pixels, bool training, float* features) {
  of_batch_ = training;
  const Layer& stem = layers_[0];
  {
    const PassTimer timer(profile_, 0, Pass::kForward);
    stem_.forward(pixels, packed.forward(0), arena_.at(stem.y));
  }
  normalise(0, tensors, training);
  activate_stem();
  for (std::size_t block = 0; block < blocks_.size(); ++block)
    forward_block(block, tensors, packed, training);
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
                              const PackedWeights& packed, bool training) {
  const ResidualPath& path = blocks_[block];
  const float* input = input_of(block);
  const auto convolve = [&](int unit, const float* x) {
    const std::int64_t number = unit + 1;
    {
      const PassTimer timer(profile_, number, Pass::kForward);
      convs_[static_cast<std::size_t>(unit)].forward(
          x, packed.forward(number), arena_.at(layers_[static_cast<std::size_t>(number)].y),
          arena_.at(scratch_));
    }
    normalise(number, tensors, training);
  };
  const float* x = input;
  for (const int unit : path.path) {
    convolve(unit, x);
    if (unit == path.path.back()) break;
    activate(unit + 1, {});
    x = arena_.at(layers_[static_cast<std::size_t>(unit) + 1].x);
  }
  if (path.shortcut < 0) return activate(path.path.back() + 1, {input, nullptr});
  convolve(path.shortcut, input);
  const Layer& side = layers_[static_cast<std::size_t>(path.shortcut) + 1];
  const ChannelNorm norm = norm_of(side);
  activate(path.path.back() + 1, {arena_.at(side.y), &norm});
}

void Workspace::activate(std::int64_t layer, const Shortcut& shortcut) {
  const PassTimer timer(profile_, layer, Pass::kNormForward);
  const Layer& at = layers_[static_cast<std::size_t>(layer)];
  apply_norm(at.map, arena_.at(at.y), norm_of(at), shortcut, true, arena_.at(at.x));
}

// ---- backward ----

NormGradient Workspace::sums_of(std::int64_t layer, const std::vector<float*>& gradients) const {
  const auto i = static_cast<std::size_t>(layer);
  return {gradients[3 * i + 1], gradients[3 * i + 2]};
}

void Workspace::backward(const PackedWeights& packed, const float* pixels,
                         const float* feature_gradient, const std::vector<float*>& gradients) {
  assert(keep_);
  const Layer& last = layers_[static_cast<std::size_t>(blocks_.back().path.back()) + 1];
  average_pool_gradient(last.map, feature_gradient, arena_.at(gradients_[0]));
  for (std::size_t block = blocks_.size(); block-- > 0;) backward_block(block, packed, gradients);
  backward_stem(pixels, gradients);
}

void Workspace::backward_norm(std::int64_t layer, Gate gate, float* g, float* dy,
                              const std::vector<float*>& gradients) {
  const PassTimer timer(profile_, layer, Pass::kNormBackward);
  const Layer& at = layers_[static_cast<std::size_t>(layer)];
  const NormGradient sums = sums_of(layer, gradients);
  gate_and_sum(at.map, g, gate, arena_.at(at.x), arena_.at(at.y), norm_of(at), sums,
               reinterpret_cast<double*>(arena_.at(sums_)));
  norm_input_gradient(at.map, g, gate, arena_.at(at.y), norm_of(at),
                      norm_line(at.map, norm_of(at), sums, of_batch_), dy);
}

void Workspace::backward_conv(std::int64_t layer, const PackedWeights& packed, const float* x,
                              const float* dy, const std::vector<float*>& gradients, float* dx,
                              bool add) {
  const ConvLayer& conv = convs_[static_cast<std::size_t>(layer - 1)];
  float* scratch = arena_.at(scratch_);
  {
    const PassTimer timer(profile_, layer, Pass::kWeightGradient);
    conv.weight_gradient(x, dy, gradients[static_cast<std::size_t>(3 * layer)], scratch);
  }
  const PassTimer timer(profile_, layer, Pass::kInputGradient);
  conv.input_gradient(dy, packed.backward(layer), dx, add, scratch);
}

/// Takes the gradient of the block's output from gradients_[0] and leaves that of its input there.
void Workspace::backward_block(std::size_t block, const PackedWeights& packed,
                               const std::vector<float*>& gradients) {
  const ResidualPath& path = blocks_[block];
  float* of_output = arena_.at(gradients_[0]);
  std::int64_t dy = gradients_[1];
  std::int64_t dx = gradients_[2];
  const float* input = input_of(block);

  backward_norm(path.path.back() + 1, Gate::kOutput, of_output, arena_.at(dy), gradients);
  for (std::size_t i = path.path.size(); i-- > 1;) {
    const std::int64_t before = path.path[i - 1] + 1;
    activate(before, {});
    backward_conv(path.path[i] + 1, packed, arena_.at(layers_[static_cast<std::size_t>(before)].x),
                  arena_.at(dy), gradients, arena_.at(dx), false);
    backward_norm(before, Gate::kOwn, arena_.at(dx), arena_.at(dx), gradients);
    std::swap(dy, dx);
  }
  const std::int64_t first = path.path.front() + 1;
  if (path.shortcut < 0)
    return backward_conv(first, packed, input, arena_.at(dy), gradients, of_output, true);
  backward_conv(first, packed, input, arena_.at(dy), gradients, arena_.at(dx), false);
  backward_norm(path.shortcut + 1, Gate::kNone, of_output, of_output, gradients);
  backward_conv(path.shortcut + 1, packed, input, of_output, gradients, arena_.at(dx), true);
  gradients_ = {dx, dy, gradients_[0]};
}

/// Norm, relu and pool are gone back through part by part, as the convolution asks for them.
void Workspace::backward_stem(const float* pixels, const std::vector<float*>& gradients) {
  const Layer& stem = layers_[0];
  float* g = arena_.at(gradients_[0]);
  const float* y = arena_.at(stem.y);
  const ChannelNorm norm = norm_of(stem);
  const NormGradient sums = sums_of(0, gradients);
  {
    const PassTimer timer(profile_, 0, Pass::kNormBackward);
    gate_and_sum(has_pool_ ? pool_.out_map() : stem.map, g, Gate::kOwn, nullptr,
                 has_pool_ ? arena_.at(pooled_y_) : y, norm, sums,
                 reinterpret_cast<double*>(arena_.at(sums_)));
  }
  const NormLine line = norm_line(stem.map, norm, sums, of_batch_);
  const PassTimer timer(profile_, 0, Pass::kWeightGradient);
  stem_.weight_gradient(
      pixels,
      [&](const MapPart& part, float* to) {
        if (has_pool_)
          return norm_relu_max_pool_gradient(pool_, part, g, where_.data(), y, norm, line, to);
        norm_input_gradient(stem.map, part, g, Gate::kOwn, y, norm, line, to);
      },
      gradients[0], arena_.at(scratch_));
}

}  // namespace simclr
