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
  layers_.push_back(arena_.add(stem_.packed_size()));
  for (const ConvLayer& conv : convs_) layers_.push_back(arena_.add(conv.packed_size()));
  arena_.allocate();
}

void PackedWeights::pack(const NetworkTensors& tensors) {
  stem_.pack(tensors.parameters[0], arena_.at(layers_[0]));
  for (std::size_t i = 0; i < convs_.size(); ++i)
    convs_[i].pack_forward(tensors.parameters[3 * (i + 1)], arena_.at(layers_[i + 1]));
}

const float* PackedWeights::of(std::int64_t layer) const {
  return arena_.at(layers_[static_cast<std::size_t>(layer)]);
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
  for (Layer& layer : layers_) layer.norm = arena_.add(4 * layer.map.channels);
  place_stem();
  const auto blocks = static_cast<std::int64_t>(blocks_.size());
  for (std::int64_t block = 0; block < blocks; ++block) place_block(block);
  if (keep) place_gradients();
  arena_.allocate();
}

/// Whether the first block applies the stem's norm and relu itself, as it reads: the map behind
/// them is never there.
bool Workspace::block_takes_stem() const {
  const ResidualPath& first = blocks_.front();
  return keep_ && !has_pool_ && first.shortcut < 0 &&
         convs_[static_cast<std::size_t>(first.path.front())].takes_norm();
}

// Turns of the arena: the stem, which counts as block -1, block after block, and all of them back.

std::int64_t Workspace::forward_turn(std::int64_t block) const { return block + 1; }

std::int64_t Workspace::backward_turn(std::int64_t block) const {
  return 2 * static_cast<std::int64_t>(blocks_.size()) - block;
}

/// Of what the next block reads, and what is kept until it is gone back through.
Life Workspace::life_of_output(std::int64_t block) const {
  return {forward_turn(block), keep_ ? backward_turn(block) : forward_turn(block + 1)};
}

/// Of what nobody reads behind the block.
Life Workspace::life_inside(std::int64_t block) const {
  return {forward_turn(block), keep_ ? backward_turn(block) : forward_turn(block)};
}

/// A buffer for the time that a block is being computed, forward or backward.
std::int64_t Workspace::add_to_block(std::int64_t floats, std::int64_t block) {
  const std::int64_t buffer = arena_.add(floats, {forward_turn(block), forward_turn(block)});
  if (keep_) arena_.add_life(buffer, {backward_turn(block), backward_turn(block)});
  return buffer;
}

void Workspace::place_stem() {
  Layer& stem = layers_[0];
  stem.y = arena_.add(stem.map.size(), has_pool_ ? life_inside(-1) : life_of_output(-1));
  stem.x = stem.y;
  if (has_pool_) {
    where_.resize(static_cast<std::size_t>(pool_.out_map().size()));
    pooled_ = arena_.add(pool_.out_map().size(), life_of_output(-1));
    if (keep_) pooled_y_ = arena_.add(pool_.out_map().size(), life_of_output(-1));
  } else if (keep_ && !block_takes_stem()) {
    stem.x = arena_.add(stem.map.size(), life_of_output(-1));
  }
  if (keep_)
    stem.scratch = arena_.add(stem_.scratch_size(), {backward_turn(-1), backward_turn(-1)});
}

void Workspace::place_block(std::int64_t block) {
  const ResidualPath& path = blocks_[static_cast<std::size_t>(block)];
  std::vector<int> units = path.path;
  if (path.shortcut >= 0) units.push_back(path.shortcut);
  std::int64_t scratch_size = 0;
  std::int64_t packed_size = 0;
  for (const int unit : units) {
    const ConvLayer& conv = convs_[static_cast<std::size_t>(unit)];
    scratch_size = std::max(scratch_size, conv.scratch_size());
    packed_size = std::max(packed_size, conv.packed_size());
  }
  const std::int64_t scratch = add_to_block(scratch_size, block);
  const std::int64_t packed =
      keep_ ? arena_.add(packed_size, {backward_turn(block), backward_turn(block)}) : 0;
  for (const int unit : units) {
    Layer& layer = layers_[static_cast<std::size_t>(unit) + 1];
    layer.scratch = scratch;
    layer.packed = packed;
    const bool is_output = unit == path.path.back();
    layer.y = arena_.add(layer.map.size(), is_output ? life_of_output(block) : life_inside(block));
    layer.x = layer.y;
    if (is_output && keep_) layer.x = arena_.add(layer.map.size(), life_of_output(block));
  }
  for (std::size_t i = 1; keep_ && i < path.path.size(); ++i) {
    if (convs_[static_cast<std::size_t>(path.path[i])].takes_norm()) continue;
    Layer& before = layers_[static_cast<std::size_t>(path.path[i - 1]) + 1];
    before.x = add_to_block(before.map.size(), block);
  }
}

void Workspace::place_gradients() {
  const auto blocks = static_cast<std::int64_t>(blocks_.size());
  gradients_.resize(blocks_.size() + 1);
  inner_gradients_.resize(blocks_.size());
  gradients_.back() =
      arena_.add(layers_[static_cast<std::size_t>(blocks_.back().path.back()) + 1].map.size(),
                 {backward_turn(blocks - 1), backward_turn(blocks - 1)});
  for (std::int64_t block = blocks; block-- > 0;) {
    const auto at = static_cast<std::size_t>(block);
    const std::vector<int>& path = blocks_[at].path;
    const auto map_into = [&](int unit) {
      return convs_[static_cast<std::size_t>(unit)].shape().in_map().size();
    };
    const std::int64_t now = backward_turn(block);
    std::array<std::int64_t, 2> largest{
        layers_[static_cast<std::size_t>(path.back()) + 1].map.size(), 0};
    for (std::size_t i = path.size(); i-- > 1;) {
      std::int64_t& size = largest[(path.size() - i) % 2];
      size = std::max(size, map_into(path[i]));
    }
    inner_gradients_[at] = {arena_.add(largest[0], {now, now}), arena_.add(largest[1], {now, now})};
    gradients_[at] = gradients_[at + 1];
    if (blocks_[at].shortcut >= 0) gradients_[at] = arena_.add(map_into(path.front()), {now, now});
    arena_.add_life(gradients_[at], {now, backward_turn(block - 1)});
  }
}

ChannelNorm Workspace::norm_of(const Layer& layer) const {
  float* numbers = arena_.at(layer.norm);
  const std::int64_t c = layer.map.channels;
  return {numbers, numbers + c, numbers + 2 * c, numbers + 3 * c};
}

}  // namespace simclr
