#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "simclr/report/plot.h"

// A report before it becomes Markdown, HTML and CSV: text as it is, escaped by those who write it.
namespace simclr {

struct Paragraph {
  std::string text;
};

struct BulletList {
  std::vector<std::string> items;
};

struct Table {
  std::string name;  ///< of its CSV file; "": it gets none
  std::string caption;
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  bool heat = false;  ///< shade numbers by their share of their row's sum
  /// The rows of the CSV where they are to be finer than what is shown; empty: the shown ones.
  std::vector<std::string> csv_head = {};
  std::vector<std::vector<std::string>> csv_rows = {};
};

/// Whether a cell is a text rather than a value.
bool is_long_cell(std::string_view cell);
/// Which columns are read as words, not as numbers, the first not asked: their cells begin with a
/// letter, or are long.
std::vector<bool> columns_of_words(const Table& table);

/// Shown as it is; folded under `summary` if there is one.
struct CodeBlock {
  std::string text;
  std::string language;
  std::string summary;
};

/// A picture in plots/: drawn from `plot`, or a PNG made elsewhere.
struct Figure {
  std::string name;
  std::string title;
  std::string caption;
  std::optional<Plot> plot;
  bool interactive = true;  ///< of a plot: a chart too, where JavaScript runs
};

using Block = std::variant<Paragraph, BulletList, Table, CodeBlock, Figure>;

struct Section {
  std::string title;
  std::vector<Block> blocks;
};

struct Document {
  std::string title;
  std::string lead;
  std::vector<Section> sections;
};

/// Writes plots/NAME.{svg,png,pdf} for every figure with a plot, tables/NAME.csv for every named
/// table, report.md and report.html into `folder`. report.html needs no other file.
/// @return a note for the user ("gnuplot is not installed: no pictures."), or ""
std::string write_document(const Document& document, const std::filesystem::path& folder);

/// As Markdown; pictures are linked in plots/ if `pictures`.
std::string to_markdown(const Document& document, bool pictures);

/// As one HTML page that loads nothing: pictures are taken from `folder`/plots.
std::string to_html(const Document& document, const std::filesystem::path& folder);

std::string to_csv(const Table& table);

}  // namespace simclr
