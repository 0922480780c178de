#pragma once

#include <cstddef>
#include <cstdint>

namespace simclr {

/// Channels that lie side by side in memory, on every processor: a panel. Networks have a multiple
/// of it everywhere but at the input.
inline constexpr int kPanel = 16;

/// How the engine stores a map f32 [batch, channels, height, width]: panel by panel, in it position
/// by position, there image by image, the panel's channels side by side. So a convolution reads the
/// same position of many images as the rows of a matrix, and padding is never stored nor computed.
/// Images of a position are followed by one unused row where that keeps the distance between
/// positions an odd number of cache lines, or they would all compete for the same few.
struct PanelMap {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t batch = 0;

  std::int64_t panels() const { return channels / kPanel; }
  std::int64_t positions() const { return height * width; }
  /// Values of one channel.
  std::int64_t values() const { return positions() * batch; }
  /// Floats from a position to the next.
  std::int64_t position_stride() const { return (batch | 1) * kPanel; }
  std::int64_t panel_stride() const { return positions() * position_stride(); }
  std::int64_t size() const { return panels() * panel_stride(); }  ///< floats in all
  std::int64_t offset(std::int64_t panel, std::int64_t position, std::int64_t image = 0) const {
    return panel * panel_stride() + position * position_stride() + image * kPanel;
  }
  bool operator==(const PanelMap&) const = default;
};

/// Some positions of some images of a map.
struct MapPart {
  std::int64_t image = 0;  ///< the first
  std::int64_t images = 0;
  std::int64_t position = 0;  ///< the first
  std::int64_t positions = 0;

  /// How it lies in memory of its own.
  PanelMap map(std::int64_t channels) const { return {channels, 1, positions, images}; }
};

/// The whole of `total` in `parts` pieces as equal as can be: where piece `i` begins.
inline std::int64_t piece_begin(std::int64_t total, std::int64_t parts, std::int64_t i) {
  return total * i / parts;
}

inline std::int64_t pieces_of(std::int64_t total, std::int64_t at_most) {
  return (total + at_most - 1) / at_most;
}

}  // namespace simclr
