#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "simclr/core/parallel.h"
#include "simclr/core/random.h"
#include "simclr/kernels/conv_shape.h"

namespace simclr {

using Values = std::vector<float>;

inline Values random_floats(std::int64_t count, std::uint32_t sample) {
  Random random(RandomKey{.seed = 33, .sample = sample});
  Values values(static_cast<std::size_t>(count));
  for (float& value : values) value = random.uniform(-1.0F, 1.0F);
  return values;
}

/// A map whose every value is drawn, as after a relu where `positive`; what is not a value is NaN,
/// so that whoever reads it is found out.
inline Values random_map(const PanelMap& map, std::uint32_t sample, bool positive = false) {
  Random random(RandomKey{.seed = 34, .sample = sample});
  Values values(static_cast<std::size_t>(map.size()), NAN);
  for (std::int64_t panel = 0; panel < map.panels(); ++panel)
    for (std::int64_t p = 0; p < map.positions(); ++p)
      for (std::int64_t i = 0; i < map.batch * kPanel; ++i) {
        const float value = random.uniform(-1.0F, 1.0F);
        values[static_cast<std::size_t>(map.offset(panel, p) + i)] =
            positive && value < 0.0F ? 0.0F : value;
      }
  return values;
}

/// Element (channel, position, image) of a map.
template <class Vector>
auto& element(const PanelMap& map, Vector& values, std::int64_t channel, std::int64_t position,
              std::int64_t image) {
  return values[static_cast<std::size_t>(map.offset(channel / kPanel, position, image) +
                                         channel % kPanel)];
}

/// Differences and reference, squared and added up.
class RelativeError {
 public:
  void add(float found, double expected) {
    const double difference = static_cast<double>(found) - expected;
    differences_ += difference * difference;
    reference_ += expected * expected;
  }
  /// rms(difference) / rms(reference); NaN counts as a difference.
  double value() const { return std::sqrt(differences_ / reference_); }

 private:
  double differences_ = 0.0;
  double reference_ = 0.0;
};

/// Calls body(image, output position, input position, tap) for every product of the naive
/// convolution.
template <class Body>
void for_each_product(const ConvShape& shape, const Body& body) {
  const PanelMap out = shape.out_map();
  for (std::int64_t y = 0; y < out.height; ++y)
    for (std::int64_t x = 0; x < out.width; ++x)
      for (std::int64_t tap = 0; tap < shape.taps(); ++tap) {
        const std::int64_t in_y = y * shape.stride + tap / shape.kernel - shape.kernel / 2;
        const std::int64_t in_x = x * shape.stride + tap % shape.kernel - shape.kernel / 2;
        if (in_y < 0 || in_x < 0 || in_y >= shape.height || in_x >= shape.width) continue;
        for (std::int64_t n = 0; n < shape.batch; ++n)
          body(n, y * out.width + x, in_y * shape.width + in_x, tap);
      }
}

/// A convolution's operands, and what its three passes give, in f64.
struct NaiveConv {
  explicit NaiveConv(const ConvShape& s)
      : shape(s),
        x(random_map(s.in_map(), 1, true)),
        dy(random_map(s.out_map(), 2)),
        weights(random_floats(s.weights(), 3)),
        y(static_cast<std::size_t>(s.out_map().size())),
        dx(static_cast<std::size_t>(s.in_map().size())),
        dw(static_cast<std::size_t>(s.weights())) {
    const PanelMap in = s.in_map();
    const PanelMap out = s.out_map();
    for_each_product(s, [&](std::int64_t n, std::int64_t to, std::int64_t from, std::int64_t tap) {
      for (std::int64_t o = 0; o < s.out_channels; ++o) {
        double& sum = element(out, y, o, to, n);
        const double gradient = element(out, dy, o, to, n);
        for (std::int64_t i = 0; i < s.in_channels; ++i) {
          const auto at = static_cast<std::size_t>((o * s.taps() + tap) * s.in_channels + i);
          const double pixel = element(in, x, i, from, n);
          sum += pixel * static_cast<double>(weights[at]);
          dw[at] += pixel * gradient;
          element(in, dx, i, from, n) += gradient * static_cast<double>(weights[at]);
        }
      }
    });
  }

  double output_error(const Values& found) const { return error(shape.out_map(), found, y, {}); }
  /// @param before  what was there, if the gradient was added to it
  double input_error(const Values& found, const Values& before = {}) const {
    return error(shape.in_map(), found, dx, before);
  }
  double weight_error(const Values& found) const {
    RelativeError error;
    for (std::size_t i = 0; i < found.size(); ++i) error.add(found[i], dw[i]);
    return error.value();
  }

  ConvShape shape;
  Values x, dy, weights;
  std::vector<double> y, dx, dw;

 private:
  static double error(const PanelMap& map, const Values& found, const std::vector<double>& expected,
                      const Values& before) {
    RelativeError error;
    for (std::int64_t c = 0; c < map.channels; ++c)
      for (std::int64_t p = 0; p < map.positions(); ++p)
        for (std::int64_t n = 0; n < map.batch; ++n)
          error.add(
              element(map, found, c, p, n),
              element(map, expected, c, p, n) +
                  (before.empty() ? 0.0 : static_cast<double>(element(map, before, c, p, n))));
    return error.value();
  }
};

/// Sets the number of threads until the end of its scope.
class Threads {
 public:
  explicit Threads(int count) : before_(parallel_threads()) { set_parallel_threads(count); }
  ~Threads() { set_parallel_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace simclr
