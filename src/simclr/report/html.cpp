#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "simclr/core/files.h"
#include "simclr/report/base64.h"
#include "simclr/report/curves.h"
#include "simclr/report/document.h"
#include "simclr/report/markup.h"

namespace simclr {

// Written by simclr_embed_text.
const char* chart_js();
const char* report_js();
const char* report_css();

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// ---- plots as data for the charts ----

const char* stroke_name(Stroke stroke) {
  switch (stroke) {
    case Stroke::kDashed:
      return "dashed";
    case Stroke::kDotted:
      return "dotted";
    case Stroke::kPoints:
      return "points";
    case Stroke::kSolid:
      break;
  }
  return "solid";
}

Json curve_json(const Curve& curve, double scale) {
  Json x = Json::array();
  Json y = Json::array();
  Json error = Json::array();
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    if (!std::isfinite(curve.x[i]) || !std::isfinite(curve.y[i])) continue;
    x.push_back(curve.x[i]);
    y.push_back(scale * curve.y[i]);
    if (i < curve.error.size()) error.push_back(scale * curve.error[i]);
  }
  Json json{{"label", one_line(curve.label)},
            {"x", x},
            {"y", y},
            {"color", color_of(curve.color)},
            {"stroke", stroke_name(curve.stroke)}};
  if (!error.empty()) json["error"] = error;
  return json;
}

Json plot_json(const Figure& figure) {
  const Plot& plot = *figure.plot;
  Json curves = Json::array();
  for (const Curve& curve : plot.curves)
    curves.push_back(curve_json(curve, plot.percent ? 100.0 : 1.0));
  Json names = Json::array();
  for (const std::string& name : plot.x_names) names.push_back(one_line(name));
  return {{"name", figure.name},     {"title", one_line(plot.title)},
          {"x_label", plot.x_label}, {"y_label", plot.y_label},
          {"percent", plot.percent}, {"log_x", plot.log_x},
          {"x_names", names},        {"curves", curves}};
}

/// JSON that may stand inside a script element: no '<' that could end it.
std::string script_json(const Json& json) {
  std::string safe;
  for (const char c : json.dump(-1, ' ', true, Json::error_handler_t::replace))
    safe += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return safe;
}

// ---- blocks ----

std::optional<double> number_of(const std::string& cell) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

/// Shares of the row's sum, in tenths.
std::string heat_class(const std::vector<std::string>& row, std::size_t i) {
  double sum = 0.0;
  for (std::size_t j = 1; j < row.size(); ++j) sum += number_of(row[j]).value_or(0.0);
  const auto value = number_of(row[i]);
  if (!value || sum <= 0.0) return "";
  return fmt::format(" class=\"h{}\"", static_cast<int>(10.0 * *value / sum + 0.5));
}

struct HtmlWriter {
  const fs::path& folder;

  std::string operator()(const Paragraph& paragraph) const {
    return "<p>" + escape_html(paragraph.text) + "</p>\n";
  }
  std::string operator()(const BulletList& list) const {
    std::string html = "<ul>\n";
    for (const std::string& item : list.items) html += "<li>" + escape_html(item) + "</li>\n";
    return html + "</ul>\n";
  }
  std::string operator()(const Table& table) const {
    std::string html = fmt::format("<div class=\"wide\"><table{}>\n<thead><tr>",
                                   table.heat           ? " class=\"heat\""
                                   : table.name.empty() ? " class=\"words\""
                                                        : "");
    const std::vector<bool> words = columns_of_words(table);
    for (std::size_t i = 0; i < table.head.size(); ++i)
      html += fmt::format("<th scope=\"col\"{}>{}</th>", words[i] ? " class=\"left\"" : "",
                          escape_html(table.head[i]));
    html += "</tr></thead>\n<tbody>\n";
    for (const auto& row : table.rows) {
      html += "<tr>";
      for (std::size_t i = 0; i < row.size(); ++i) {
        std::string kind;
        if (table.heat && i > 0) kind = heat_class(row, i);
        if (!table.heat && words[i])
          kind = is_long_cell(row[i]) ? " class=\"left long\"" : " class=\"left\"";
        html += fmt::format("<td{}>{}</td>", kind, escape_html(row[i]));
      }
      html += "</tr>\n";
    }
    html += "</tbody></table></div>\n";
    if (!table.caption.empty())
      html += "<p class=\"caption\">" + escape_html(table.caption) + "</p>\n";
    return html;
  }
  std::string operator()(const CodeBlock& code) const {
    const std::string block = "<pre><code>" + escape_html_lines(code.text) + "</code></pre>\n";
    if (code.summary.empty()) return block;
    return fmt::format("<details><summary>{}</summary>{}</details>\n", escape_html(code.summary),
                       block);
  }
  std::string operator()(const Figure& figure) const {
    const fs::path stem = folder / "plots" / figure.name;
    const fs::path picture = stem.string() + (figure.plot ? ".svg" : ".png");
    std::string html = fmt::format("<figure id=\"figure-{}\">\n", escape_html(figure.name));
    if (fs::exists(picture)) {
      html += fmt::format("<img{} alt=\"{}\" src=\"data:image/{};base64,{}\">\n",
                          figure.plot ? " width=\"1000\" height=\"620\"" : " class=\"pixels\"",
                          escape_html(figure.title), figure.plot ? "svg+xml" : "png",
                          base64(read_file(picture)));
    }
    if (figure.plot && figure.interactive)
      html += "<div class=\"chart\"><canvas role=\"img\" aria-label=\"" +
              escape_html(figure.title) + "\"></canvas></div>\n";
    const std::string words =
        figure.plot ? figure.caption
                    : figure.title + (figure.caption.empty() ? "" : ". " + figure.caption);
    if (!words.empty()) html += "<figcaption>" + escape_html(words) + "</figcaption>\n";
    return html + "</figure>\n";
  }
};

std::string head_of(const Document& document) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src {}; script-src {} {}; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n",
      csp_source(report_css()), csp_source(chart_js()), csp_source(report_js()),
      escape_html(document.title), report_css());
}

}  // namespace

std::string to_html(const Document& document, const fs::path& folder) {
  std::string html = head_of(document) + "<body>\n<main>\n<h1>" + escape_html(document.title) +
                     "</h1>\n<p class=\"lead\">" + escape_html(document.lead) +
                     "</p>\n<nav aria-label=\"Contents\"><ol>\n";
  for (std::size_t i = 0; i < document.sections.size(); ++i)
    html += fmt::format("<li><a href=\"#s{}\">{}</a></li>\n", i,
                        escape_html(document.sections[i].title));
  html += "</ol></nav>\n";
  Json plots = Json::array();
  for (std::size_t i = 0; i < document.sections.size(); ++i) {
    const Section& section = document.sections[i];
    html += fmt::format("<section>\n<h2 id=\"s{}\">{}</h2>\n", i, escape_html(section.title));
    for (const Block& block : section.blocks) {
      html += std::visit(HtmlWriter{folder}, block);
      const auto* figure = std::get_if<Figure>(&block);
      if (figure != nullptr && figure->plot && figure->interactive)
        plots.push_back(plot_json(*figure));
    }
    html += "</section>\n";
  }
  return html + "</main>\n<script type=\"application/json\" id=\"plots\">" + script_json(plots) +
         "</script>\n<script>" + chart_js() + "</script>\n<script>" + report_js() +
         "</script>\n</body>\n</html>\n";
}

}  // namespace simclr
