#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/engine/conv_layer.h"
#include "simclr/kernels/pool.h"
#include "simclr/kernels/stem_conv.h"

namespace simclr {

/// A convolution and the batch norm behind it: three parameters (weight, gamma, beta).
struct ConvUnit {
  std::string name;  ///< "layer1.0.conv1"
  ConvShape shape;   ///< its batch is 0 here
  ConvAlgorithm algorithm = ConvAlgorithm::kDirect;
};

/// A residual block: units in a row, each but the last followed by relu, and a shortcut around
/// them. Numbers are indices of Network::units.
struct ResidualPath {
  std::vector<int> path;
  int shortcut = -1;  ///< -1: the input as it is
};

/// A residual network of ours as the engine sees it, for images of one side.
struct Network {
  StemShape stem;  ///< unit number -1: its batch is 0 here
  bool has_pool = false;
  std::int64_t pool_window = 3;
  std::int64_t pool_pad = 1;
  std::vector<ConvUnit> units;  ///< in the order of the parameters, torchvision's
  std::vector<ResidualPath> blocks;

  std::int64_t features() const { return units.back().shape.out_channels; }
  /// Convolutions and norms, the stem's included.
  std::int64_t layers() const { return static_cast<std::int64_t>(units.size()) + 1; }
};

/// @param side  of the images, >= 8
Network make_network(const ModelSettings& settings, ConvKind conv, std::int64_t side);

/// The algorithm of a convolution: a table by shape, measured once (results/engine), never
/// at run time, so that bits do not depend on the day.
ConvAlgorithm choose_algorithm(const ConvShape& shape, ConvKind conv);

}  // namespace simclr
