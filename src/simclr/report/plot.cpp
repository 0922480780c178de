#include "simclr/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "simclr/core/files.h"
#include "simclr/report/gnuplot.h"
#include "simclr/report/markup.h"

namespace simclr {
namespace {

// Okabe and Ito 2008, without the yellow that vanishes on white paper.
constexpr std::array kPalette{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                              "#E69F00", "#56B4E9", "#000000"};
// Filled circle, square, diamond, triangles; then outlines. As many as are coprime to the palette:
// colour and shape together tell 56 arms apart, shape alone eight in black and white.
constexpr std::array kShapes{7, 5, 13, 9, 11, 6, 4, 12};

constexpr std::string_view kPngTerminal =
    "set terminal pngcairo noenhanced size 1000,620 font 'DejaVu Sans,12' background rgb 'white'\n";
constexpr std::string_view kSvgTerminal =
    "set terminal svg noenhanced size 1000,620 font 'DejaVu Sans,16' background rgb 'white'\n";

constexpr std::size_t kMarkersPerCurve = 8;
constexpr std::size_t kLegendCharacters = 23;

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

bool drawable(const Curve& curve, std::size_t i) {
  return std::isfinite(curve.x[i]) && std::isfinite(curve.y[i]);
}

std::size_t count_points(const Curve& curve) {
  assert(curve.x.size() == curve.y.size());
  std::size_t points = 0;
  for (std::size_t i = 0; i < curve.x.size(); ++i) points += drawable(curve, i) ? 1 : 0;
  return points;
}

/// The legend has room for so much beside the curves.
std::string shortened(const std::string& label) {
  std::string text = one_line(label);
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts && characters++ == kLegendCharacters) return text.substr(0, i) + "…";
  }
  return text;
}

std::string data_block(const Curve& curve, std::size_t index, double scale) {
  std::string block = fmt::format("$curve{} << EOD\n", index);
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    if (drawable(curve, i)) block += fmt::format("{} {}\n", curve.x[i], scale * curve.y[i]);
  }
  return block + "EOD\n";
}

/// Where the axes go. Epochs are whole numbers: short axes get no ticks between them.
std::string axes(const Plot& plot) {
  Extent x;
  for (const Curve& curve : plot.curves) {
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (drawable(curve, i)) x.include(curve.x[i]);
    }
  }
  if (x.low > x.high) return "set xrange [0:1]\nset yrange [0:1]\n";
  std::string script = x.low < x.high ? fmt::format("set xrange [{}:{}]\n", x.low, x.high)
                                      : fmt::format("set xrange [{}:{}]\n", x.low - 1, x.high + 1);
  if (x.high - x.low <= 12) script += "set xtics 1\n";
  if (plot.percent) script += "set yrange [0<*:*<100]\nset format y '%g %%'\n";
  return script + "set offsets 0, 0, graph 0.05, graph 0.05\n";
}

std::string style(const Curve& curve, std::size_t points) {
  const auto index = static_cast<std::size_t>(std::max(curve.color, 0));
  const std::string color = curve.color == kGrey ? "#808080" : kPalette[index % kPalette.size()];
  const bool dotted = curve.stroke == Stroke::kDotted;
  const bool solid = curve.stroke == Stroke::kSolid;
  const std::string line = fmt::format("lc rgb '{}' lw {} dt {}", color,
                                       solid    ? 2.5
                                       : dotted ? 2.4
                                                : 1.8,
                                       solid    ? "solid"
                                       : dotted ? "'. '"
                                                : "'-'");
  const bool marked = points == 1 || (solid && points > 0 && curve.color != kGrey);
  if (!marked) return "with lines " + line;
  const std::size_t interval = (points + kMarkersPerCurve - 1) / kMarkersPerCurve;
  return fmt::format("with linespoints {} pt {} ps 1 pi {}", line, kShapes[index % kShapes.size()],
                     interval);
}

std::string script_of(const Plot& plot, std::string_view terminal) {
  std::string script = "set encoding utf8\n" + std::string(terminal);
  script += fmt::format(
      "set title {} font ',14' offset 0,0.3\nset xlabel {}\nset ylabel {} offset -0.5,0\n"
      "set border 3 lc rgb '#808080' lw 1\n"
      "set tics nomirror out scale 0.6 textcolor rgb '#333333'\nset format '%g'\n"
      "set grid xtics ytics lt 1 lc rgb '#E4E4E4' lw 1\n"
      "set key at graph 1.03, graph 1 left top Left reverse noenhanced samplen 3 spacing 1.35\n"
      "set key title {} left\n"
      "set rmargin 30\nset lmargin 11\nset tmargin 4\nset bmargin 4.5\n",
      gnuplot_string(plot.title), gnuplot_string(plot.x_label), gnuplot_string(plot.y_label),
      gnuplot_string(shortened(plot.legend_title)));
  script += axes(plot);
  std::string command = "plot ";
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    const Curve& curve = plot.curves[i];
    const std::size_t points = count_points(curve);
    if (points > 0) script += data_block(curve, i, plot.percent ? 100.0 : 1.0);
    command += fmt::format(
        "{}{} {} {}", i == 0 ? "" : ", ", points > 0 ? fmt::format("$curve{}", i) : "keyentry",
        style(curve, points),
        curve.label.empty() ? "notitle" : "title " + gnuplot_string(shortened(curve.label)));
  }
  return script + command + (plot.curves.empty() ? "NaN notitle\n" : ", NaN notitle\n");
}

}  // namespace

bool draw_plot(const Plot& plot, const std::filesystem::path& stem) {
  const std::optional<std::string> png = run_gnuplot(script_of(plot, kPngTerminal));
  const std::optional<std::string> svg = run_gnuplot(script_of(plot, kSvgTerminal));
  if (!png || !svg) return false;
  write_file_atomically(stem.string() + ".png", *png);
  write_file_atomically(stem.string() + ".svg", *svg);
  return true;
}

}  // namespace simclr
