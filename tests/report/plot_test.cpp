#include "simclr/report/plot.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/report/gnuplot.h"
#include "tests/report/sample_run.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Curve line(const std::string& label, std::vector<double> y) {
  Curve curve;
  curve.label = label;
  for (std::size_t i = 0; i < y.size(); ++i) curve.x.push_back(static_cast<double>(i + 1));
  curve.y = std::move(y);
  return curve;
}

std::string svg_of(const Plot& plot) {
  const TempFolder folder;
  EXPECT_TRUE(draw_plot(plot, folder / "plot"));
  return read_file(folder / "plot.svg");
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(DrawPlot, OnlyWholeNumbersAreKeptFromTicksBetweenThem) {
  Plot plot{"Loss", "epoch", "loss", "", {line("a", {3, 3, 3})}, false};
  EXPECT_FALSE(contains(svg_of(plot), "1.5<"));
  EXPECT_TRUE(contains(svg_of(plot), "2<"));
  plot.curves[0].x = {1.25, 1.5, 1.75};
  EXPECT_TRUE(contains(svg_of(plot), "1.5<"));
}

TEST(DrawPlot, WritesAPngOf1000By620AnSvgAndAPdf) {
  const TempFolder folder;
  ASSERT_TRUE(
      draw_plot({"Loss", "epoch", "loss", "", {line("a", {3, 2, 1})}, false}, folder / "loss"));
  const std::string png = read_file(folder / "loss.png");
  ASSERT_GT(png.size(), 24U);
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1A\n");
  const auto size_at = [&](std::size_t i) {
    return static_cast<std::uint8_t>(png[i]) * 256 + static_cast<std::uint8_t>(png[i + 1]);
  };
  EXPECT_EQ(size_at(18), 1000);
  EXPECT_EQ(size_at(22), 620);
  const std::string svg = read_file(folder / "loss.svg");
  EXPECT_TRUE(contains(svg, "<svg")) << svg.substr(0, 200);
  EXPECT_TRUE(contains(svg, "</svg>"));
  EXPECT_TRUE(contains(svg, ">Loss<"));
  EXPECT_TRUE(read_file(folder / "loss.pdf").starts_with("%PDF-"));
  EXPECT_EQ(files_in(folder.path()), 3U) << "nothing is left beside the pictures";
}

TEST(DrawPlot, NeverExecutesALabel) {
  const TempFolder folder;
  const std::string touched = (folder / "touched").string();
  const std::vector<std::string> hostile{"\"; system('touch " + touched + "'); #",
                                         "'; system('touch " + touched + "'); #",
                                         "`touch " + touched + "`",
                                         "a\nsystem('touch " + touched + "')",
                                         "EOD\n!touch " + touched,
                                         "\\",
                                         "'\\",
                                         "@ARG0 $(touch " + touched + ")",
                                         "%s %n",
                                         "\xFF\xFE"};
  Plot plot;
  for (const std::string& text : hostile) plot.curves.push_back(line(text, {1, 2}));
  for (std::size_t i = 0; i < hostile.size(); i += 4) {
    plot.title = hostile[i];
    plot.x_label = hostile[(i + 1) % hostile.size()];
    plot.y_label = hostile[(i + 2) % hostile.size()];
    plot.legend_title = hostile[(i + 3) % hostile.size()];
    EXPECT_TRUE(draw_plot(plot, folder / "plot")) << i;
    EXPECT_FALSE(fs::exists(touched)) << i;
  }
}

TEST(DrawPlot, ShowsLabelsLiterally) {
  const std::string svg =
      svg_of({"a_b^c {/Bold x}", "e", "l", "", {line("<script>'&\\n\"(2)10", {1, 2})}, false});
  EXPECT_TRUE(contains(svg, "a_b^c {/Bold x}"));
  EXPECT_TRUE(contains(svg, "&lt;script>'&amp;\\n\"(2)10"));
  EXPECT_FALSE(contains(svg, "<script>"));
}

TEST(DrawPlot, ShortensLabelsThatTheLegendCannotHold) {
  const std::string label = "猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫";
  EXPECT_TRUE(contains(svg_of({"", "", "", "", {line(label, {1, 2})}, false}), label));
  const std::string svg = svg_of({"", "", "", "", {line(label + "!!", {1, 2})}, false});
  EXPECT_TRUE(contains(svg, label + "…"));
  EXPECT_FALSE(contains(svg, "!!<"));
}

TEST(DrawPlot, LeavesOutPointsThatAreNotFinite) {
  const Curve gap{"a", {1, 2, 3, kNaN, 4}, {3, kNaN, 2, 1, -INFINITY}, 0, Stroke::kSolid};
  const Curve clean{"a", {1, 3}, {3, 2}, 0, Stroke::kSolid};
  EXPECT_EQ(svg_of({"", "", "", "", {gap}, false}), svg_of({"", "", "", "", {clean}, false}));
}

TEST(DrawPlot, TakesCurvesOfOnePointOfNoneAndNoCurve) {
  for (const bool percent : {false, true}) {
    EXPECT_TRUE(contains(svg_of({"", "", "", "", {line("one", {0.5})}, percent}), "one"));
    EXPECT_TRUE(contains(svg_of({"", "", "", "", {line("none", {})}, percent}), "none"));
    EXPECT_TRUE(contains(svg_of({"bare", "", "", "", {}, percent}), "bare"));
    EXPECT_TRUE(contains(svg_of({"", "", "", "", {line("flat", {1, 1})}, percent}), "flat"));
  }
}

TEST(DrawPlot, DrawsSharesAsPerCentBetween0And100) {
  const std::string svg = svg_of({"", "", "", "", {line("a", {0.0, 1.0})}, true});
  EXPECT_TRUE(contains(svg, ">0 %<"));
  EXPECT_TRUE(contains(svg, ">100 %<"));
  EXPECT_FALSE(contains(svg, "120 %"));
  EXPECT_FALSE(contains(svg, "-20 %"));
}

TEST(DrawPlot, GivesArmsTheirOwnColours) {
  Plot plot{"", "", "", "", {}, false};
  for (int color = kGrey; color < 7; ++color) {
    plot.curves.push_back(line("arm", {1, 2}));
    plot.curves.back().color = color;
  }
  const std::string svg = svg_of(plot);
  // gnuplot writes colours as decimal components.
  for (const char* rgb : {"128, 128, 128", "  0, 114, 178", "213,  94,   0", "  0, 158, 115",
                          "204, 121, 167", "230, 159,   0", " 86, 180, 233"})
    EXPECT_TRUE(contains(svg, rgb)) << rgb;
}

/// Heights of texts in an SVG of gnuplot's, by what they say.
double height_of(const std::string& svg, const std::string& text) {
  const std::size_t at = svg.find(">" + text + "<");
  const std::size_t move = svg.rfind("translate(", at);
  return std::stod(svg.substr(svg.find(',', move) + 1));
}

TEST(DrawPlot, LabelsStandBesideTheEndsOfTheirCurvesAndApart) {
  const std::string svg = svg_of(
      {"", "", "", "", {line("low", {5, 1}), line("mid", {5, 4.9}), line("top", {5, 5})}, false});
  EXPECT_GT(height_of(svg, "low"), height_of(svg, "mid") + 100);  // downwards
  EXPECT_GT(height_of(svg, "mid"), height_of(svg, "top") + 15);   // a line of text
}

TEST(DrawPlot, NamesAndLogarithmsGoAlongX) {
  Plot plot{"", "", "", "", {line("a", {1, 2})}, false};
  plot.x_names = {"none", "<mlp>", "mlp-bn"};
  EXPECT_TRUE(contains(svg_of(plot), ">&lt;mlp><"));
  plot.x_names.clear();
  plot.log_x = true;
  plot.curves = {{"a", {32, 128, 512}, {1, 2, 3}, 0, Stroke::kSolid, {0.1, 0.2, 0.1}}};
  const std::string svg = svg_of(plot);
  for (const char* tick : {">32<", ">128<", ">512<"}) EXPECT_TRUE(contains(svg, tick)) << tick;
}

TEST(DrawPlot, SaysFalseAndWritesNothingWithoutGnuplot) {
  const TempFolder folder;
  const NoPrograms none(folder.path());
  EXPECT_FALSE(draw_plot({"", "", "", "", {line("a", {1, 2})}, false}, folder / "plot"));
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(DrawPlot, NamesTheFolderItCannotWrite) {
  const TempFolder folder;
  const Error error = expect_error(ExitCode::kFailed, [&] {
    draw_plot({"", "", "", "", {line("a", {1, 2})}, false}, folder / "absent" / "plot");
  });
  EXPECT_TRUE(contains(error.what(), "absent/plot.png"));
}

TEST(RunGnuplot, PassesOnItsWordsWhenItFails) {
  const Error error = expect_error(ExitCode::kFailed, [] { run_gnuplot("plot nonsense(1)\n"); });
  EXPECT_TRUE(contains(error.what(), "gnuplot could not draw: "));
  EXPECT_TRUE(contains(error.what(), "nonsense") || contains(error.what(), "undefined function"))
      << error.what();
}

TEST(RunGnuplot, FailsOnAScriptThatDrawsNothing) {
  const Error error = expect_error(ExitCode::kFailed, [] { run_gnuplot("a = 1\n"); });
  EXPECT_EQ(std::string(error.what()), "gnuplot could not draw: wait status 0");
}

TEST(GnuplotString, LeavesNothingForGnuplotToRead) {
  EXPECT_EQ(gnuplot_string("Loss 猫 (2"), R"("Loss 猫 \050\062")");
  EXPECT_EQ(gnuplot_string("'\"\\`@$"), R"("\047\042\134\140\100\044")");
  EXPECT_EQ(gnuplot_string("a\nb"), "\"a b\"");
  EXPECT_EQ(gnuplot_string(""), "\"\"");
}

}  // namespace
}  // namespace simclr
