#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace simclr {

/// Training curves are dashed, validation and test curves solid, reference lines dotted.
enum class Stroke { kSolid, kDashed, kDotted };

inline constexpr int kGrey = -1;  ///< the colour of what is there for comparison

/// One curve: y over x, in data units. Points that are not finite are left out; a curve without
/// points stands in the legend alone, to explain a stroke.
struct Curve {
  std::string label;  ///< "": not in the legend
  std::vector<double> x;
  std::vector<double> y;
  int color = 0;  ///< index into a colour-blind-safe palette, or kGrey; curves of one arm share it
  Stroke stroke = Stroke::kSolid;
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::string legend_title;
  std::vector<Curve> curves;
  bool percent = false;  ///< y in [0, 1] is drawn as per cent
};

/// Draws with gnuplot to `stem`.png and `stem`.svg, the two files written atomically.
/// @return false if gnuplot is not installed (nothing is written, callers say so); labels are
/// escaped, never executed
/// @throws Error(kFailed) if gnuplot fails, with its words
bool draw_plot(const Plot& plot, const std::filesystem::path& stem);

}  // namespace simclr
