#include "simclr/augment/u8_warp.h"

#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <numbers>

namespace simclr {
namespace {

constexpr double kRadiansPerDegree = std::numbers::pi / 180.0;
constexpr double kDegreesPerRadian = 180.0 / std::numbers::pi;

// Not-a-number becomes the bound.
float smaller(float a, float b) { return a < b ? a : b; }
float larger(float a, float b) { return a > b ? a : b; }

/// Where an output pixel reads: row 0 times (x, y, 1) is the input's x, row 1 its y. In pixels from
/// the image's centre.
using Matrix = std::array<std::array<double, 3>, 2>;

/// torchvision takes shears as angles in degrees; the detour rounds, so we make it too.
double shear_angle(float magnitude) {
  const double degrees = std::atan(static_cast<double>(magnitude)) * kDegreesPerRadian;
  return degrees * kRadiansPerDegree;
}

Matrix shear_x_matrix(int height, int width, float magnitude) {
  const double slope = std::tan(shear_angle(magnitude));
  const double shift = (0.5 * width + slope * (0.5 * height)) - 0.5 * width;
  return {{{1.0, slope, shift}, {0.0, 1.0, 0.0}}};
}

Matrix shear_y_matrix(int height, int width, float magnitude) {
  const double angle = shear_angle(magnitude);
  const double slope = std::sin(angle) / std::cos(angle);
  const double shift = (slope * (0.5 * width) + 0.5 * height) - 0.5 * height;
  return {{{1.0, 0.0, 0.0}, {slope, 1.0, shift}}};
}

Matrix rotation_matrix(float degrees) {
  const double angle = -static_cast<double>(degrees) * kRadiansPerDegree;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  return {{{cosine, sine, 0.0}, {-sine, cosine, 0.0}}};
}

/// One coordinate's way through affine_grid and grid_sample, in their order of f32 operations: from
/// the output pixel's place to [-1, 1] of the input, and from there to the number of a pixel.
struct Axis {
  Axis(const std::array<double, 3>& row, int size)
      : half(0.5F * static_cast<float>(size)),
        last(static_cast<float>(size - 1)),
        from_x(static_cast<float>(row[0]) / half),
        from_y(static_cast<float>(row[1]) / half),
        shift(static_cast<float>(row[2]) / half) {}

  /// @return -1 if there is no such pixel
  std::int32_t pixel(float x_part, float y_part) const {
    // Adding 1.5 x 2^23 leaves no bits for fractions: rounds to the nearest, ties to even.
    constexpr float kRounder = 12582912.0F;
    const float position = (x_part + y_part + shift + 1.0F) * half - 0.5F;
    const float bounded = smaller(larger(position, -1.0F), last + 1.0F);
    const float nearest = (bounded + kRounder) - kRounder;
    return static_cast<std::int32_t>(nearest > last ? -1.0F : nearest);
  }

  float half;
  float last;
  float from_x;
  float from_y;
  float shift;
};

/// Place of a pixel's centre, from the image's centre.
float place(int index, int size) {
  return static_cast<float>(index) - 0.5F * static_cast<float>(size) + 0.5F;
}

void copy_pixels(const std::uint8_t* source, const std::int32_t* rows, const std::int32_t* columns,
                 int width, std::uint8_t* out) {
  for (int x = 0; x < width; ++x, out += 3) {
    if (rows[x] < 0 || columns[x] < 0) {
      std::memset(out, 0, 3);
      continue;
    }
    const std::size_t pixel = static_cast<std::size_t>(rows[x]) * static_cast<std::size_t>(width) +
                              static_cast<std::size_t>(columns[x]);
    std::memcpy(out, source + 3 * pixel, 3);
  }
}

void warp(std::span<std::uint8_t> rgb, int height, int width, const Matrix& matrix,
          U8Scratch& scratch) {
  const Axis to_x(matrix[0], width);
  const Axis to_y(matrix[1], height);
  const auto columns = static_cast<std::size_t>(width);
  scratch.source.assign(rgb.begin(), rgb.end());
  scratch.columns.resize(2 * columns);
  scratch.pixels.resize(2 * columns);
  float* x_in_x = scratch.columns.data();  // what this column adds to the input's x, y
  float* x_in_y = x_in_x + columns;
  std::int32_t* source_column = scratch.pixels.data();
  std::int32_t* source_row = source_column + columns;
  for (int x = 0; x < width; ++x) {
    x_in_x[x] = place(x, width) * to_x.from_x;
    x_in_y[x] = place(x, width) * to_y.from_x;
  }
  for (int y = 0; y < height; ++y) {
    const float y_in_x = place(y, height) * to_x.from_y;
    const float y_in_y = place(y, height) * to_y.from_y;
    for (int x = 0; x < width; ++x) {
      source_column[x] = to_x.pixel(x_in_x[x], y_in_x);
      source_row[x] = to_y.pixel(x_in_y[x], y_in_y);
    }
    copy_pixels(scratch.source.data(), source_row, source_column, width,
                rgb.data() + static_cast<std::size_t>(y) * columns * 3);
  }
}

/// Into [-limit, limit], without its fraction.
int whole(float magnitude, int limit) {
  const auto bound = static_cast<float>(limit);
  return static_cast<int>(smaller(larger(magnitude, -bound), bound));
}

/// Moves a row of bytes by `shift` places to its end (or, if negative, to its beginning).
void shift_bytes(std::uint8_t* row, std::size_t size, std::ptrdiff_t shift) {
  const auto gap = static_cast<std::size_t>(shift < 0 ? -shift : shift);
  const std::size_t kept = size - gap;
  if (shift >= 0) {
    std::memmove(row + gap, row, kept);
    std::memset(row, 0, gap);
  } else {
    std::memmove(row, row + gap, kept);
    std::memset(row + kept, 0, gap);
  }
}

}  // namespace

void apply_warp(std::span<std::uint8_t> rgb, int height, int width, const U8Step& step,
                U8Scratch& scratch) {
  const std::size_t stride = static_cast<std::size_t>(width) * 3;
  switch (step.op) {
    case U8Op::kShearX:
      return warp(rgb, height, width, shear_x_matrix(height, width, step.magnitude), scratch);
    case U8Op::kShearY:
      return warp(rgb, height, width, shear_y_matrix(height, width, step.magnitude), scratch);
    case U8Op::kRotate:
      return warp(rgb, height, width, rotation_matrix(step.magnitude), scratch);
    case U8Op::kTranslateX:
      for (int y = 0; y < height; ++y)
        shift_bytes(rgb.data() + static_cast<std::size_t>(y) * stride, stride,
                    std::ptrdiff_t{3} * whole(step.magnitude, width));
      return;
    case U8Op::kTranslateY:
      return shift_bytes(rgb.data(), rgb.size(),
                         static_cast<std::ptrdiff_t>(stride) * whole(step.magnitude, height));
    default:
      assert(false && "not an operation that moves pixels");
  }
}

}  // namespace simclr
