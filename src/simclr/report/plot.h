#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace simclr {

/// One curve: y over x, in data units.
struct Curve {
  std::string label;
  std::vector<double> x;
  std::vector<double> y;
  int color = 0;        ///< index into a colour-blind-safe palette; curves of one arm share it
  bool dashed = false;  ///< training curves are dashed, validation and test solid
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Curve> curves;
  bool percent = false;  ///< y in [0, 1] is drawn as per cent
};

/// Draws with gnuplot to `stem`.png and `stem`.svg, the two files written atomically.
/// @return false if gnuplot is not installed (nothing is written, callers say so); labels are
/// escaped, never executed
/// @throws Error(kFailed) if gnuplot fails, with its words
bool draw_plot(const Plot& plot, const std::filesystem::path& stem);

}  // namespace simclr
