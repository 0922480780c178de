#include "simclr/engine/workspace.h"

#include <algorithm>

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
  std::int64_t largest = 0;
  for (const ConvLayer& conv : convs_) scratch = std::max(scratch, conv.scratch_size());
  for (Layer& layer : layers_) {
    layer.norm = arena_.add(4 * layer.map.channels);
    // The gradient in front of a pool is never there as a whole.
    if (&layer != &layers_[0] || !has_pool_) largest = std::max(largest, layer.map.size());
  }
  scratch_ = arena_.add(scratch);
  place_maps(network);
  if (has_pool_) where_.resize(static_cast<std::size_t>(pool_.out_map().size()));
  if (keep) {
    for (std::int64_t& gradient : gradients_) gradient = arena_.add(largest);
  }
  arena_.allocate();
}

/// Whether the first block applies the stem's norm and relu itself, as it reads: the map behind
/// them is never there.
bool Workspace::block_takes_stem() const {
  const ResidualPath& first = blocks_.front();
  return keep_ && !has_pool_ && first.shortcut < 0 &&
         convs_[static_cast<std::size_t>(first.path.front())].takes_norm();
}

/// Every map its own memory if it is kept; otherwise four that take turns: a block's input, two for
/// its path, and one for its shortcut.
void Workspace::place_maps(const Network& network) {
  if (keep_) {
    for (Layer& layer : layers_) {
      layer.y = arena_.add(layer.map.size());
      layer.x = layer.y;
    }
    if (!has_pool_ && !block_takes_stem()) layers_[0].x = arena_.add(layers_[0].map.size());
    if (has_pool_) {
      pooled_ = arena_.add(pool_.out_map().size());
      pooled_y_ = arena_.add(pool_.out_map().size());
    }
    std::int64_t largest = 0;
    for (const ResidualPath& block : network.blocks)
      for (std::size_t i = 1; i < block.path.size(); ++i)
        if (!convs_[static_cast<std::size_t>(block.path[i])].takes_norm())
          largest = std::max(
              largest, convs_[static_cast<std::size_t>(block.path[i])].shape().in_map().size());
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

}  // namespace simclr
