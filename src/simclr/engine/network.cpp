#include "simclr/engine/network.h"

#include <fmt/format.h>

#include <array>

namespace simclr {
namespace {

constexpr std::int64_t kBottleneckExpansion = 4;

/// Puts a network together, layer by layer, as the maps shrink.
class Builder {
 public:
  Builder(ConvKind conv, std::int64_t channels, std::int64_t side)
      : conv_(conv), channels_(channels), side_(side) {}

  void add_stage(Network& network, int stage, std::int64_t planes, std::int64_t blocks,
                 bool bottleneck) {
    for (std::int64_t i = 0; i < blocks; ++i)
      add_block(network, fmt::format("layer{}.{}", stage, i), planes, i == 0 && stage > 1 ? 2 : 1,
                bottleneck);
  }

 private:
  void add_block(Network& network, const std::string& name, std::int64_t planes,
                 std::int64_t stride, bool bottleneck) {
    const std::int64_t in = channels_;
    const std::int64_t side = side_;
    const std::int64_t out = bottleneck ? planes * kBottleneckExpansion : planes;
    ResidualPath block;
    if (bottleneck) {
      block.path = {add_unit(network, name + ".conv1", planes, 1, 1),
                    add_unit(network, name + ".conv2", planes, 3, stride),
                    add_unit(network, name + ".conv3", out, 1, 1)};
    } else {
      block.path = {add_unit(network, name + ".conv1", planes, 3, stride),
                    add_unit(network, name + ".conv2", planes, 3, 1)};
    }
    if (stride != 1 || in != out) {
      channels_ = in;
      side_ = side;
      block.shortcut = add_unit(network, name + ".downsample.0", out, 1, stride);
    }
    network.blocks.push_back(block);
  }

  int add_unit(Network& network, std::string name, std::int64_t out, std::int64_t kernel,
               std::int64_t stride) {
    const ConvShape shape{channels_, out, kernel, stride, side_, side_, 0};
    network.units.push_back({std::move(name), shape, choose_algorithm(shape, conv_)});
    channels_ = out;
    side_ = shape.out_map().height;
    return static_cast<int>(network.units.size()) - 1;
  }

  ConvKind conv_;
  std::int64_t channels_;
  std::int64_t side_;
};

}  // namespace

ConvAlgorithm choose_algorithm(const ConvShape& shape, ConvKind conv) {
  if (shape.kernel != 3 || conv == ConvKind::kExact) return ConvAlgorithm::kDirect;
  const std::int64_t side = shape.height;
  if (shape.stride == 2) {
    const bool pays = side % 16 == 0 || (side > 16 && shape.in_channels >= 128);
    return conv != ConvKind::kF2 && pays ? ConvAlgorithm::kF4Stride2 : ConvAlgorithm::kDirect;
  }
  if (side == 1) return ConvAlgorithm::kDirect;
  if (side == 2) return ConvAlgorithm::kMap2;
  if (conv == ConvKind::kF2) return ConvAlgorithm::kF2;
  if (conv == ConvKind::kF4) return ConvAlgorithm::kF4;
  // Tiles that hang over the edge waste what they save.
  if (side == 3 || (side == 5 && shape.in_channels <= 256)) return ConvAlgorithm::kDirect;
  return side == 5 || side == 6 ? ConvAlgorithm::kF2 : ConvAlgorithm::kF4;
}

Network make_network(const ModelSettings& settings, ConvKind conv, std::int64_t side) {
  const auto planes = static_cast<std::int64_t>(64 * settings.width);
  Network network;
  network.stem = settings.stem == Stem::kImageNet ? StemShape{planes, 7, 2, side, 0}
                                                  : StemShape{planes, 3, 1, side, 0};
  network.has_pool = settings.stem != Stem::kCifar;
  if (settings.stem == Stem::kCifarPool) {
    network.pool_window = 2;
    network.pool_pad = 0;
  }
  std::int64_t map_side = network.stem.out_side();
  if (network.has_pool)
    map_side = PoolShape{network.pool_window, network.pool_pad, {planes, map_side, map_side, 0}}
                   .out_map()
                   .height;
  const bool bottleneck = settings.arch == Arch::kResNet50;
  const std::array<std::int64_t, 4> blocks = settings.arch == Arch::kResNet18
                                                 ? std::array<std::int64_t, 4>{2, 2, 2, 2}
                                                 : std::array<std::int64_t, 4>{3, 4, 6, 3};
  Builder builder(conv, planes, map_side);
  for (int stage = 1; stage <= 4; ++stage)
    builder.add_stage(network, stage, planes << (stage - 1),
                      blocks[static_cast<std::size_t>(stage - 1)], bottleneck);
  return network;
}

}  // namespace simclr
