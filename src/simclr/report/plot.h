#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace simclr {

/// Training curves are dashed, validation and test curves solid, reference lines dotted; kPoints
/// are marks without a line.
enum class Stroke { kSolid, kDashed, kDotted, kPoints };

inline constexpr int kGrey = -1;  ///< the colour of what is there for comparison

// Okabe and Ito 2008, without the yellow that vanishes on white paper.
inline constexpr std::array kPalette{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                     "#E69F00", "#56B4E9", "#000000"};
inline constexpr const char* kGreyColor = "#808080";

/// The colour of an arm, for pictures and charts alike.
inline std::string color_of(int color) {
  if (color < 0) return kGreyColor;
  return kPalette[static_cast<std::size_t>(color) % kPalette.size()];
}

/// One curve: y over x, in data units. Points that are not finite are left out; a curve without
/// points stands in the legend alone, to explain a stroke. A curve with points has its label beside
/// its last one.
struct Curve {
  std::string label;  ///< "": none
  std::vector<double> x;
  std::vector<double> y;
  int color = 0;  ///< index into a colour-blind-safe palette, or kGrey; curves of one arm share it
  Stroke stroke = Stroke::kSolid;
  std::vector<double> error = {};  ///< half the length of an error bar at each point; empty: none
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::string legend_title;  ///< above the labels: what they are values of
  std::vector<Curve> curves;
  bool percent = false;  ///< y in [0, 1] is drawn as per cent
  bool log_x = false;
  std::vector<std::string> x_names = {};  ///< names of x = 0, 1, 2, ...; empty: x are numbers
};

/// Draws with gnuplot to `stem`.png, .svg and .pdf, each written atomically.
/// @return false if gnuplot is not installed (nothing is written, callers say so); labels are
/// escaped, never executed
/// @throws Error(kFailed) if gnuplot fails, with its words
bool draw_plot(const Plot& plot, const std::filesystem::path& stem);

}  // namespace simclr
