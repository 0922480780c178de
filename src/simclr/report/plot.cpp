#include "simclr/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
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

// Filled circle, square, diamond, triangles; then outlines. As many as are coprime to the palette:
// colour and shape together tell 56 arms apart, shape alone eight in black and white.
constexpr std::array kShapes{7, 5, 13, 9, 11, 6, 4, 12};

constexpr std::string_view kPngTerminal =
    "set terminal pngcairo noenhanced size 1000,620 font 'DejaVu Sans,12' background rgb 'white'\n";
constexpr std::string_view kSvgTerminal =
    "set terminal svg noenhanced size 1000,620 font 'DejaVu Sans,16' background rgb 'white'\n";
constexpr std::string_view kPdfTerminal =
    "set terminal pdfcairo noenhanced size 8in,4.96in font 'DejaVu Sans,12' background rgb "
    "'white'\n";

constexpr std::size_t kMarkersPerCurve = 8;
constexpr std::size_t kLegendCharacters = 25;
constexpr double kLabelGap = 0.052;  ///< of the plot's height between two labels

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

/// What is seen of a plot, in drawn units (per cent where it says so).
struct Frame {
  Extent x;
  Extent y;
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

double scale_of(const Plot& plot) { return plot.percent ? 100.0 : 1.0; }

double error_at(const Curve& curve, std::size_t i) {
  return i < curve.error.size() && std::isfinite(curve.error[i]) ? curve.error[i] : 0.0;
}

Frame frame_of(const Plot& plot) {
  Frame frame;
  for (const Curve& curve : plot.curves) {
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!drawable(curve, i)) continue;
      frame.x.include(curve.x[i]);
      frame.y.include(scale_of(plot) * (curve.y[i] - error_at(curve, i)));
      frame.y.include(scale_of(plot) * (curve.y[i] + error_at(curve, i)));
    }
  }
  if (frame.x.empty()) return {{0.0, 1.0}, {0.0, 1.0}};
  double padding = 0.05 * (frame.y.high - frame.y.low);
  if (padding == 0.0) padding = std::max(0.05 * std::abs(frame.y.high), 0.05);
  frame.y = {frame.y.low - padding, frame.y.high + padding};
  if (plot.percent) frame.y = {std::max(frame.y.low, 0.0), std::min(frame.y.high, 100.0)};
  if (!plot.x_names.empty()) {
    frame.x = {-0.4, static_cast<double>(plot.x_names.size()) - 0.6};
  } else if (plot.log_x) {
    frame.x = {frame.x.low / 1.25, frame.x.high * 1.25};
  } else if (frame.x.low == frame.x.high) {
    frame.x = {frame.x.low - 1, frame.x.high + 1};
  }
  return frame;
}

/// The margin has room for so much beside the curves.
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
    if (drawable(curve, i))
      block +=
          fmt::format("{} {} {}\n", curve.x[i], scale * curve.y[i], scale * error_at(curve, i));
  }
  return block + "EOD\n";
}

bool all_whole(const Plot& plot) {
  const auto is_whole = [](double x) { return !std::isfinite(x) || x == std::floor(x); };
  return std::all_of(plot.curves.begin(), plot.curves.end(), [&](const Curve& curve) {
    return std::all_of(curve.x.begin(), curve.x.end(), is_whole);
  });
}

/// Where the axes go. Between whole numbers, as epochs are, short axes get no ticks.
std::string axes(const Plot& plot, const Frame& frame) {
  std::string script = fmt::format("set xrange [{}:{}]\nset yrange [{}:{}]\n", frame.x.low,
                                   frame.x.high, frame.y.low, frame.y.high);
  if (plot.percent) script += "set format y '%g %%'\n";
  if (!plot.x_names.empty()) {
    std::string tics;
    for (std::size_t i = 0; i < plot.x_names.size(); ++i)
      tics +=
          fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_string(shortened(plot.x_names[i])), i);
    return script + "set xtics (" + tics + ")\n";
  }
  if (plot.log_x) {
    // Ticks at the values themselves: powers of ten say little about 32, 128, 256.
    std::string tics;
    std::vector<double> values;
    for (const Curve& curve : plot.curves)
      if (curve.stroke != Stroke::kDotted)
        values.insert(values.end(), curve.x.begin(), curve.x.end());
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    for (const double value : values)
      tics += fmt::format("{}\"{}\" {}", tics.empty() ? "" : ", ", value, value);
    return script + "set logscale x\n" + (tics.empty() ? "" : "set xtics (" + tics + ")\n");
  }
  if (frame.x.high - frame.x.low <= 12 && all_whole(plot)) script += "set xtics 1\n";
  return script;
}

std::string line_style(const Curve& curve) {
  const std::string color = color_of(curve.color);
  switch (curve.stroke) {
    case Stroke::kDashed:
      return fmt::format("lc rgb '{}' lw 1.8 dt '-'", color);
    case Stroke::kDotted:
      return fmt::format("lc rgb '{}' lw 2.4 dt '. '", color);
    case Stroke::kSolid:
    case Stroke::kPoints:
      break;
  }
  return fmt::format("lc rgb '{}' lw 2.5 dt solid", color);
}

std::string style(const Curve& curve, std::size_t points) {
  const auto index = static_cast<std::size_t>(std::max(curve.color, 0));
  const std::string line = line_style(curve);
  const int shape = kShapes[index % kShapes.size()];
  if (curve.stroke == Stroke::kPoints)
    return fmt::format("with points lc rgb '{}' pt {} ps 0.4", color_of(curve.color), shape);
  const bool solid = curve.stroke == Stroke::kSolid;
  const bool marked = points == 1 || (solid && points > 0 && curve.color != kGrey);
  if (!marked) return "with lines " + line;
  const std::size_t interval = (points + kMarkersPerCurve - 1) / kMarkersPerCurve;
  return fmt::format("with linespoints {} pt {} ps 1 pi {}", line, shape, interval);
}

// ---- labels beside the curves' ends ----

struct EndLabel {
  std::string text;
  int color;
  double height;  ///< of the plot's height, from below
};

/// Moves labels apart that would overlap, as little as it takes, and keeps them in the plot.
void spread(std::vector<EndLabel>& labels) {
  std::stable_sort(labels.begin(), labels.end(),
                   [](const EndLabel& a, const EndLabel& b) { return a.height < b.height; });
  const double gap =
      std::min(kLabelGap, 1.0 / std::max(1.0, static_cast<double>(labels.size()) - 1.0));
  for (std::size_t i = 1; i < labels.size(); ++i)
    labels[i].height = std::max(labels[i].height, labels[i - 1].height + gap);
  double ceiling = 1.0;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->height = std::min(label->height, ceiling);
    ceiling = label->height - gap;
  }
}

std::string end_labels(const Plot& plot, const Frame& frame) {
  std::vector<EndLabel> labels;
  for (const Curve& curve : plot.curves) {
    if (curve.label.empty() || curve.stroke == Stroke::kPoints) continue;
    for (std::size_t i = curve.x.size(); i-- > 0;) {
      if (!drawable(curve, i)) continue;
      const double y = scale_of(plot) * curve.y[i];
      labels.push_back(
          {shortened(curve.label), curve.color, (y - frame.y.low) / (frame.y.high - frame.y.low)});
      break;
    }
  }
  spread(labels);
  std::string script;
  for (const EndLabel& label : labels)
    script += fmt::format("set label {} at graph 1.02, graph {:.4f} left textcolor rgb '{}'\n",
                          gnuplot_string(label.text), label.height,
                          label.color < 0 ? "#555555" : color_of(label.color));
  if (!plot.legend_title.empty() && !labels.empty())
    script += fmt::format("set label {} at graph 1.02, graph 1.055 left textcolor rgb '#333333'\n",
                          gnuplot_string(shortened(plot.legend_title)));
  return script;
}

std::string script_of(const Plot& plot, std::string_view terminal) {
  const Frame frame = frame_of(plot);
  std::string script = "set encoding utf8\n" + std::string(terminal);
  script += fmt::format(
      "set title {} font ',14' offset 0,1.6\nset xlabel {}\nset ylabel {} offset -0.5,0\n"
      "set border 3 lc rgb '#808080' lw 1\n"
      "set tics nomirror out scale 0.6 textcolor rgb '#333333'\nset format '%g'\n"
      "set grid xtics ytics lt 1 lc rgb '#E4E4E4' lw 1\n"
      "set key at graph 1.0, graph 1.02 right bottom horizontal Left reverse noenhanced samplen "
      "3\n"
      "set rmargin 26\nset lmargin 11\nset tmargin 5\nset bmargin 4.5\n",
      gnuplot_string(plot.title), gnuplot_string(plot.x_label), gnuplot_string(plot.y_label));
  script += axes(plot, frame) + end_labels(plot, frame);
  std::string command = "plot ";
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    const Curve& curve = plot.curves[i];
    const std::size_t points = count_points(curve);
    const bool in_key = !curve.label.empty() && (points == 0 || curve.stroke == Stroke::kPoints);
    if (points > 0) script += data_block(curve, i, scale_of(plot));
    // Under the marks: an error bar has a dot of its own.
    if (points > 0 && !curve.error.empty())
      command +=
          fmt::format("$curve{} using 1:2:3 with yerrorbars lc rgb '{}' lw 1.5 pt 0 notitle, ", i,
                      color_of(curve.color));
    command +=
        fmt::format("{} {} {}, ", points > 0 ? fmt::format("$curve{} using 1:2", i) : "keyentry",
                    style(curve, points),
                    in_key ? "title " + gnuplot_string(shortened(curve.label)) : "notitle");
  }
  return script + command + "NaN notitle\n";
}

}  // namespace

bool draw_plot(const Plot& plot, const std::filesystem::path& stem) {
  constexpr std::array kPictures{std::pair(".png", kPngTerminal), std::pair(".svg", kSvgTerminal),
                                 std::pair(".pdf", kPdfTerminal)};
  std::vector<std::string> drawn;
  for (const auto& [ending, terminal] : kPictures) {
    std::optional<std::string> picture = run_gnuplot(script_of(plot, terminal));
    if (!picture) return false;
    drawn.push_back(std::move(*picture));
  }
  for (std::size_t i = 0; i < kPictures.size(); ++i)
    write_file_atomically(stem.string() + kPictures[i].first, drawn[i]);
  return true;
}

}  // namespace simclr
