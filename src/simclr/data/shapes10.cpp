#include "simclr/data/shapes10.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "simclr/core/random.h"

// Only + - * / sqrt floor here: IEEE arithmetic draws the same images on every machine, a math
// library's sine would not.
namespace simclr {
namespace {

struct Point {
  float x = 0.0F;
  float y = 0.0F;
};

using Color = std::array<float, 3>;  // RGB in [0, 1]

float dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
float length(Point p) { return std::sqrt(dot(p, p)); }
float mix(float a, float b, float t) { return a + (b - a) * t; }
float unit_clamp(float value) { return std::clamp(value, 0.0F, 1.0F); }

/// Of period 1: 0 at whole numbers, 1 half-way between.
float triangle_wave(float x) { return 1.0F - std::abs(2.0F * (x - std::floor(x)) - 1.0F); }

// ---- figures and patterns: signed distance to the edge, negative inside. Figures fit the unit
// circle, y up; patterns have period 1.

float box(Point p, float half_width, float half_height) {
  return std::max(std::abs(p.x) - half_width, std::abs(p.y) - half_height);
}

float triangle(Point p) {
  constexpr Point kSideNormal{0.8660254F, 0.5F};
  return std::max(dot({std::abs(p.x), p.y}, kSideNormal), -p.y) - 0.5F;
}

float cross(Point p) { return std::min(box(p, 0.95F, 0.3F), box(p, 0.3F, 0.95F)); }

float star(Point p) {
  constexpr Point kMirrorNormal{0.80901699F, -0.58778525F};  // cos and -sin of 36 degrees
  constexpr Point kEdgeNormal{0.92332F, 0.38403F};           // of the edge that ends in the tip
  for (int fold = 0; fold < 2; ++fold) {                     // onto one half of one ray
    p.x = std::abs(p.x);
    const float beyond = 2.0F * std::max(dot(p, kMirrorNormal), 0.0F);
    p = {p.x - beyond * kMirrorNormal.x, p.y - beyond * kMirrorNormal.y};
  }
  return dot({std::abs(p.x), p.y - 1.0F}, kEdgeNormal);
}

float stripes(float across) { return 0.25F - 0.5F * triangle_wave(across); }

float checker(Point p) {
  const float a = stripes(p.x);
  const float b = stripes(p.y);
  return std::copysign(std::min(std::abs(a), std::abs(b)), a * b);
}

float dots(Point p) {
  return length({p.x - std::floor(p.x) - 0.5F, p.y - std::floor(p.y) - 0.5F}) - 0.3F;
}

float waves(Point p) {
  const float t = triangle_wave(0.5F * p.y);
  return stripes(p.x + 0.7F * t * t * (3.0F - 2.0F * t));
}

enum Class : std::int32_t {
  kDisc,
  kSquare,
  kTriangle,
  kCross,
  kRing,
  kStar,
  kStripes,
  kChecker,
  kDots,
  kWaves,
};

float figure(std::int32_t label, Point p) {
  switch (label) {
    case kDisc:
      return length(p) - 0.85F;
    case kSquare:
      return box(p, 0.75F, 0.75F);
    case kTriangle:
      return triangle(p);
    case kCross:
      return cross(p);
    case kRing:
      return std::abs(length(p) - 0.7F) - 0.2F;
    default:
      return star(p);
  }
}

float pattern(std::int32_t label, Point p) {
  switch (label) {
    case kStripes:
      return stripes(p.x);
    case kChecker:
      return checker(p);
    case kDots:
      return dots(p);
    default:
      return waves(p);
  }
}

// ---- nuisances: everything that says nothing about the class

/// A unit vector at most `most` half-turns away from (1, 0), by the rational circle.
Point draw_direction(Random& random, float most) {
  const float t = random.uniform(-most, most);
  const float scale = 1.0F / (1.0F + t * t);
  return {(1.0F - t * t) * scale, 2.0F * t * scale};
}

Color draw_color(Random& random) {
  const float hue = random.uniform(0.0F, 6.0F);
  const float saturation = random.uniform(0.1F, 0.9F);
  const float value = random.uniform(0.15F, 1.0F);
  Color color{};
  for (std::size_t c = 0; c < 3; ++c) {
    const float wheel = triangle_wave((hue + 2.0F * static_cast<float>(c)) / 6.0F);
    color[c] = value * (1.0F - saturation * unit_clamp(2.0F - 3.0F * wheel));
  }
  return color;
}

float brightness(const Color& color) {
  return 0.3F * color[0] + 0.59F * color[1] + 0.11F * color[2];
}

Color mix(const Color& a, const Color& b, float t) {
  return {mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)};
}

struct Palette {
  Color figure;
  Color ground;
  Color ground_far;  ///< what the ground varies towards
};

Palette draw_palette(Random& random) {
  constexpr float kLeastContrast = 0.2F;
  Palette palette;
  float contrast = 0.0F;
  while (contrast < kLeastContrast) {
    palette.figure = draw_color(random);
    palette.ground = draw_color(random);
    palette.ground_far = mix(palette.ground, draw_color(random), 0.5F);
    contrast = std::min(std::abs(brightness(palette.figure) - brightness(palette.ground)),
                        std::abs(brightness(palette.figure) - brightness(palette.ground_far)));
  }
  return palette;
}

/// How far the ground has gone towards its second colour, per pixel: nowhere, along a slope, or in
/// clouds.
class Ground {
 public:
  explicit Ground(Random& random) : kind_(random.below(3)), slope_(draw_direction(random, 8.0F)) {
    for (float& node : nodes_) node = random.uniform();
  }

  float at(float x, float y) const {
    if (kind_ == 0) return 0.0F;
    if (kind_ == 1) return unit_clamp(0.5F + dot({x - 16.0F, y - 16.0F}, slope_) / 32.0F);
    return clouds(x / kCell, y / kCell);
  }

 private:
  static constexpr float kCell = 5.0F;
  static constexpr std::size_t kNodes = 8;  // 8 cells of 5 pixels cover 32

  float clouds(float x, float y) const {
    const std::size_t column = static_cast<std::size_t>(x);
    const std::size_t row = static_cast<std::size_t>(y);
    const float* node = &nodes_[row * kNodes + column];
    const float tx = x - std::floor(x);
    const float ty = y - std::floor(y);
    return mix(mix(node[0], node[1], tx), mix(node[kNodes], node[kNodes + 1], tx), ty);
  }

  std::uint32_t kind_;
  Point slope_;
  std::array<float, kNodes * kNodes> nodes_{};
};

/// Where the figure is, how large, how it is turned; for patterns also the window they show in.
class Placement {
 public:
  explicit Placement(Random& random)
      : radius_(random.uniform(9.0F, 14.0F)),
        turn_(draw_direction(random, 0.2F)),
        pattern_turn_(draw_direction(random, 1.0F)),
        period_(random.uniform(6.0F, 9.0F)),
        phase_{random.uniform(), random.uniform()},
        round_window_(random.chance(0.5F)) {
    const float slack = 16.5F - radius_;
    centre_ = {16.0F + random.uniform(-slack, slack), 16.0F + random.uniform(-slack, slack)};
  }

  /// Signed distance to the edge of class `label`, in pixels.
  float edge_distance(std::int32_t label, float x, float y) const {
    const Point offset{x - centre_.x, centre_.y - y};
    const Point p = turned(offset, turn_, radius_);
    if (label < kStripes) return figure(label, p) * radius_;
    Point q = turned(offset, pattern_turn_, period_);
    q = {q.x + phase_.x, q.y + phase_.y};
    const float window = round_window_ ? length(p) - 1.2F : box(p, 1.1F, 1.1F);
    return std::max(pattern(label, q) * period_, window * radius_);
  }

 private:
  static Point turned(Point p, Point turn, float scale) {
    return {dot(p, turn) / scale, (p.y * turn.x - p.x * turn.y) / scale};
  }

  float radius_;
  Point turn_;
  Point pattern_turn_;
  float period_;
  Point phase_;
  bool round_window_;
  Point centre_;
};

}  // namespace

const std::vector<std::string>& shapes10_class_names() {
  static const std::vector<std::string> names{"disc", "square",  "triangle", "cross", "ring",
                                              "star", "stripes", "checker",  "dots",  "waves"};
  return names;
}

std::vector<std::uint8_t> draw_shape(std::uint64_t seed, std::uint32_t index, std::int32_t label) {
  Random random({seed, Purpose::kShapes, 0, index, 0});
  const Palette palette = draw_palette(random);
  const Ground ground(random);
  const Placement placement(random);
  const Point light = draw_direction(random, 8.0F);
  const float light_strength = random.uniform(0.0F, 0.4F);
  const float grain = random.uniform(0.0F, 0.06F);

  std::vector<std::uint8_t> pixels;
  pixels.reserve(std::size_t{3} * kShapesSide * kShapesSide);
  for (int row = 0; row < kShapesSide; ++row) {
    for (int column = 0; column < kShapesSide; ++column) {
      const float x = static_cast<float>(column) + 0.5F;
      const float y = static_cast<float>(row) + 0.5F;
      const float coverage = unit_clamp(0.5F - placement.edge_distance(label, x, y));
      const Color behind = mix(palette.ground, palette.ground_far, ground.at(x, y));
      const float lit = 1.0F + light_strength * dot({x - 16.0F, y - 16.0F}, light) / 16.0F;
      const float speck = random.uniform(-grain, grain);
      for (const float value : mix(behind, palette.figure, coverage)) {
        pixels.push_back(
            static_cast<std::uint8_t>(unit_clamp(value * lit + speck) * 255.0F + 0.5F));
      }
    }
  }
  return pixels;
}

std::shared_ptr<ImageArray> make_shapes10(std::uint64_t seed, std::uint32_t first_index,
                                          std::size_t count) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(count * std::size_t{3} * kShapesSide * kShapesSide);
  std::vector<std::int32_t> labels(count);
  for (std::size_t i = 0; i < count; ++i) {
    labels[i] = static_cast<std::int32_t>(i % shapes10_class_names().size());
    const auto image = draw_shape(seed, first_index + static_cast<std::uint32_t>(i), labels[i]);
    pixels.insert(pixels.end(), image.begin(), image.end());
  }
  return std::make_shared<ImageArray>(std::move(pixels), std::move(labels), kShapesSide,
                                      kShapesSide);
}

}  // namespace simclr
